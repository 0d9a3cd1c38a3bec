//! Who may read which secret. Each reader is a user of its own and has a folder of its own in the volume of secrets,
//! so that no service can read another's, although all of them mount the volume.

/// A secret, or a file that is made of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// What services know one another by.
    InternalToken,
    /// `DATABASE_URL` of the reader's own database.
    DatabaseUrl,
    /// Password of the shop's administrator.
    AdminPassword,
    /// Secret key of the payment provider.
    PaymentKey,
    /// Access key of the object store.
    ObjectsKey,
    /// Secret of that key.
    ObjectsSecret,
    /// The object store's list of keys.
    ObjectsIdentities,
    /// Password of PostgreSQL's superuser.
    PostgresPassword,
    /// The superuser's URL.
    PostgresUrl,
    /// Every database's role and its password.
    Roles,
    /// Configuration of the NATS server.
    NatsConfiguration,
    /// `EVENTS_URL`: that server, for those who tell or follow events.
    EventsUrl,
}

impl Content {
    /// Name of its file.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::InternalToken => "internal-token",
            Self::DatabaseUrl => "database-url",
            Self::AdminPassword => "admin-password",
            Self::PaymentKey => "payment-key",
            Self::ObjectsKey => "objects-key",
            Self::ObjectsSecret => "objects-secret",
            Self::ObjectsIdentities => "identities.json",
            Self::PostgresPassword => "password",
            Self::PostgresUrl => "url",
            Self::Roles => "roles.json",
            Self::NatsConfiguration => "nats.conf",
            Self::EventsUrl => "events-url",
        }
    }
}

/// A container that reads secrets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    /// Name of the container, of its folder and, if it has a database, of that and its role.
    pub(crate) name: &'static str,
    /// The user it runs as.
    pub(crate) user: u32,
    /// What it may read.
    pub(crate) contents: &'static [Content],
}

const fn reader(name: &'static str, user: u32, contents: &'static [Content]) -> Reader {
    Reader {
        name,
        user,
        contents,
    }
}

use Content as C;

/// All of them.
pub(crate) const READERS: &[Reader] = &[
    // The user of PostgreSQL's public image.
    reader("postgres", 999, &[C::PostgresPassword]),
    reader("databases", 10_001, &[C::PostgresUrl, C::Roles]),
    reader("nats", 10_002, &[C::NatsConfiguration]),
    reader("objects", 10_003, &[C::ObjectsIdentities]),
    reader("payment-sandbox", 10_004, &[C::PaymentKey]),
    reader("seed", 10_005, &[C::AdminPassword]),
    reader(
        "serverless",
        10_006,
        &[C::DatabaseUrl, C::PaymentKey, C::AdminPassword],
    ),
    reader("gateway", 10_010, &[C::InternalToken]),
    reader(
        "product",
        10_011,
        &[C::InternalToken, C::DatabaseUrl, C::EventsUrl],
    ),
    reader(
        "inventory",
        10_012,
        &[C::InternalToken, C::DatabaseUrl, C::EventsUrl],
    ),
    reader("cart", 10_013, &[C::InternalToken, C::DatabaseUrl]),
    reader(
        "checkout",
        10_014,
        &[
            C::InternalToken,
            C::DatabaseUrl,
            C::PaymentKey,
            C::EventsUrl,
        ],
    ),
    reader(
        "identity",
        10_015,
        &[C::InternalToken, C::DatabaseUrl, C::AdminPassword],
    ),
    reader(
        "search",
        10_016,
        &[C::InternalToken, C::ObjectsKey, C::ObjectsSecret],
    ),
    reader(
        "indexer",
        10_017,
        &[
            C::InternalToken,
            C::ObjectsKey,
            C::ObjectsSecret,
            C::EventsUrl,
        ],
    ),
    reader("storefront", 10_018, &[C::InternalToken]),
    reader(
        "media",
        10_019,
        &[
            C::InternalToken,
            C::DatabaseUrl,
            C::ObjectsKey,
            C::ObjectsSecret,
            C::EventsUrl,
        ],
    ),
    reader(
        "fulfilment",
        10_020,
        &[C::InternalToken, C::DatabaseUrl, C::EventsUrl],
    ),
];

/// Names of the databases, which are those of their roles.
pub(crate) fn databases() -> impl Iterator<Item = &'static str> {
    let owners = READERS
        .iter()
        .filter(|reader| reader.contents.contains(&Content::DatabaseUrl));
    owners.map(|reader| reader.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_norway::Value;

    use super::*;
    use crate::binaries::workspace;

    fn compose() -> Value {
        let text = std::fs::read_to_string(workspace().join("docker-compose.yml")).unwrap();
        let mut compose: Value = serde_norway::from_str(&text).unwrap();
        // A round resolves one level; what is merged merges another.
        for _ in 0..3 {
            compose.apply_merge().unwrap();
        }
        compose
    }

    #[test]
    fn every_service_has_its_container() {
        let compose = compose();
        for entry in std::fs::read_dir(workspace().join("services")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let service = &compose["services"][name.as_str()];
            assert_eq!(service["build"]["args"]["SERVICE"], name, "{name}");
            assert!(service["mem_limit"].is_string(), "{name}");
            assert_eq!(service["read_only"], true, "{name}");
        }
    }

    #[test]
    fn each_user_is_one_readers() {
        let users: BTreeSet<u32> = READERS.iter().map(|reader| reader.user).collect();
        assert_eq!(users.len(), READERS.len());
    }

    #[test]
    fn every_secret_a_container_is_told_of_is_one_it_may_read() {
        let mut told = 0;
        for (name, service) in compose()["services"].as_mapping().unwrap() {
            let name = name.as_str().unwrap();
            let text = serde_norway::to_string(service).unwrap();
            // The one that makes them mounts the volume at the same place.
            for mention in text.split("/secrets/").skip(1) {
                let (folder, rest) = mention.split_once('/').unwrap();
                let file: String = rest
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || "-.".contains(*letter))
                    .collect();
                assert_eq!(folder, name, "{name} is told of another's secret {file}");
                let reader = READERS.iter().find(|reader| reader.name == name).unwrap();
                let may = reader.contents.iter().any(|content| content.file() == file);
                assert!(may, "{name} may not read {file}");
                let user = service["user"].as_str().unwrap();
                assert_eq!(user, format!("{0}:{0}", reader.user), "{name}");
                told += 1;
            }
        }
        assert!(told > 20, "only {told} secrets are mentioned");
    }
}
