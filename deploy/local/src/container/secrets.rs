//! The secrets of a shop in containers: made at random the first time, kept in a volume, and laid out so that each
//! container can read its own only. Runs as root, to give the files away.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use serde_json::{Map, json};

use super::readers::{Content, READERS, Reader, databases};
use crate::state::{hex, readable};

/// Holds every secret; only for its owner, who is root.
const ALL: &str = "all.json";
/// Who the administrator is; identity is told the same in `docker-compose.yml`.
const ADMINISTRATOR: &str = "admin@bothways.example";

/// Makes what is missing in `folder`, and gives each of `owned` to its user.
pub(crate) fn make(folder: &Path, owned: &[(PathBuf, u32)]) -> Result<(), String> {
    lay_out(folder, |path, user| chown(path, Some(user), Some(user)))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    for (volume, user) in owned {
        chown(volume, Some(*user), Some(*user))
            .map_err(|error| format!("{}: {error}", volume.display()))?;
    }
    println!("{} readers have their secrets", READERS.len());
    Ok(())
}

/// Prints the administrator's sign-in.
pub(crate) fn sign_in(folder: &Path) -> Result<(), String> {
    println!("{ADMINISTRATOR} {}", kept(folder, "admin-password")?);
    Ok(())
}

/// Prints the payment provider's secret key.
pub(crate) fn payment_key(folder: &Path) -> Result<(), String> {
    println!("{}", kept(folder, "payment-key")?);
    Ok(())
}

/// A secret that has been made.
fn kept(folder: &Path, name: &str) -> Result<String, String> {
    let secrets = Secrets::open(&folder.join(ALL))
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let secret = secrets.0.get(name);
    secret
        .cloned()
        .ok_or_else(|| "no secrets have been made yet: `docker compose up`".to_owned())
}

/// Lays out the secrets; `give` makes a user the owner of a file.
fn lay_out(folder: &Path, give: impl Fn(&Path, u32) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Everybody may go through to a folder whose name they know.
    fs::set_permissions(folder, Permissions::from_mode(0o711))?;
    let all = folder.join(ALL);
    let mut secrets = Secrets::open(&all)?;
    let texts: Vec<_> = READERS
        .iter()
        .map(|reader| (reader, secrets.texts(*reader)))
        .collect();
    // Kept before anybody is told of one.
    write(&all, &serde_json::to_vec_pretty(&secrets.0)?, |_| Ok(()))?;
    for (reader, texts) in texts {
        let own = folder.join(reader.name);
        fs::create_dir_all(&own)?;
        for (file, text) in texts {
            write(&own.join(file), text.as_bytes(), |path| {
                give(path, reader.user)
            })?;
        }
        fs::set_permissions(&own, Permissions::from_mode(0o500))?;
        give(&own, reader.user)?;
    }
    Ok(())
}

/// Writes a file whole, for its owner only, who is its owner before it has its name.
fn write(path: &Path, bytes: &[u8], give: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // One that an interrupted run left is another's already.
    if fresh.exists() {
        fs::remove_file(&fresh)?;
    }
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o400)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    give(&fresh)?;
    fs::rename(fresh, path)
}

/// Secrets by name.
struct Secrets(BTreeMap<String, String>);

impl Secrets {
    fn open(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(text) => Ok(Self(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(BTreeMap::new())),
            Err(error) => Err(error),
        }
    }

    /// The secret, made the first time.
    fn get(&mut self, name: &str, make: impl FnOnce() -> String) -> String {
        self.0
            .entry(name.to_owned())
            .or_insert_with(make)
            .to_owned()
    }

    /// A reader's files.
    fn texts(&mut self, reader: Reader) -> Vec<(&'static str, String)> {
        let contents = reader.contents.iter();
        contents
            .map(|content| (content.file(), self.text(*content, reader.name)))
            .collect()
    }

    fn text(&mut self, content: Content, reader: &str) -> String {
        match content {
            Content::InternalToken => self.get("internal-token", hex),
            Content::DatabaseUrl => self.database_url(reader),
            Content::AdminPassword => self.get("admin-password", readable),
            Content::PaymentKey => self.get("payment-key", || format!("sk_test_{}", hex())),
            Content::ObjectsKey => self.get("objects-key", hex),
            Content::ObjectsSecret => self.get("objects-secret", hex),
            Content::ObjectsIdentities => self.identities(),
            Content::PostgresPassword => self.get("postgres-password", hex),
            Content::PostgresUrl => {
                let password = self.get("postgres-password", hex);
                format!("postgres://postgres:{password}@postgres:5432/postgres")
            }
            Content::Roles => {
                let role = |name: &str| (name.to_owned(), json!(self.role_password(name)));
                json!(databases().map(role).collect::<Map<_, _>>()).to_string()
            }
            Content::NatsConfiguration => self.nats(),
            Content::EventsUrl => {
                let password = self.get("nats-password", hex);
                format!("nats://shop:{password}@nats:4222")
            }
        }
    }

    fn role_password(&mut self, role: &str) -> String {
        self.get(&format!("role-{role}"), hex)
    }

    /// The functions share a database, with a schema per context; a service has one to itself.
    fn database_url(&mut self, reader: &str) -> String {
        let password = self.role_password(reader);
        let query = if reader == "serverless" {
            "?options=-csearch_path%3D{context}"
        } else {
            ""
        };
        format!("postgres://{reader}:{password}@postgres:5432/{reader}{query}")
    }

    /// `SeaweedFS`'s `-s3.config`. An administrator of the store, as the bucket is made by who writes first.
    fn identities(&mut self) -> String {
        let (key, secret) = (
            self.get("objects-key", hex),
            self.get("objects-secret", hex),
        );
        json!({"identities": [{
            "name": "shop",
            "credentials": [{"accessKey": key, "secretKey": secret}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }]})
        .to_string()
    }

    /// NATS with `JetStream`; who tells or follows events knows the password.
    fn nats(&mut self) -> String {
        let password = self.get("nats-password", hex);
        format!(
            "port: 4222\nhttp: 8222\njetstream {{ store_dir: /data, max_memory_store: 16MB, max_file_store: 1GB }}\n\
             authorization {{ user: shop, password: \"{password}\" }}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn each_reader_has_its_own_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let given = RefCell::new(BTreeMap::new());
        let lay = || {
            lay_out(folder.path(), |path, user| {
                given.borrow_mut().insert(path.to_owned(), user);
                Ok(())
            })
        };
        lay().unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let url = read("product/database-url");
        assert!(url.starts_with("postgres://product:"), "{url}");
        assert_eq!(read("product/internal-token"), read("cart/internal-token"));
        assert_ne!(url, read("cart/database-url").replace("cart", "product"));
        assert!(read("serverless/database-url").ends_with("search_path%3D{context}"));
        let roles: BTreeMap<String, String> =
            serde_json::from_str(&read("databases/roles.json")).unwrap();
        assert!(url.contains(&roles["product"]));
        assert_eq!(roles.len(), databases().count());

        let mode = |name: &str| {
            let metadata = fs::metadata(folder.path().join(name)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode("product"), 0o500);
        assert_eq!(mode("product/database-url"), 0o400);
        assert_eq!(mode(ALL), 0o400);
        // A file is given away before it has its name.
        let owner = |name: &str| given.borrow().get(&folder.path().join(name)).copied();
        assert_eq!(owner("product"), Some(10_011));
        assert_eq!(owner("product/database-url.new"), Some(10_011));

        lay().unwrap();
        assert_eq!(url, read("product/database-url"));
    }
}
