//! Settings come from the environment, are read once at the start, and a wrong one is named.

use std::{env, fmt::Display, fs, net::IpAddr, str::FromStr, time::Duration};

use bothways_domain::Currency;

/// A setting that is missing or can't be understood.
#[derive(Debug)]
pub struct ConfigError {
    variable: String,
    problem: String,
}

impl ConfigError {
    /// What is wrong with a variable.
    #[cfg(feature = "rds-iam")]
    pub(crate) fn of(variable: &str, problem: String) -> Self {
        let variable = variable.to_owned();
        Self { variable, problem }
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.variable, self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// Reads the process's environment. An empty variable counts as absent. What `VARIABLE` could hold may also be in a file
/// that `VARIABLE_FILE` names, as container platforms hand out secrets; the variable itself goes first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings;

impl Settings {
    /// The variable's text, if set. Fails when it is in a file that can't be read.
    pub fn read(self, variable: &str) -> Result<Option<String>, ConfigError> {
        lookup(variable, |name| env::var(name).ok())
    }

    /// The variable's text, if set and readable; otherwise the log says why it is not.
    pub fn text(self, variable: &str) -> Option<String> {
        self.read(variable).unwrap_or_else(|error| {
            tracing::error!(%error, "a setting can't be read");
            None
        })
    }

    /// The variable's text, which has to be there.
    pub fn require(self, variable: &str) -> Result<String, ConfigError> {
        self.read(variable)?.ok_or_else(|| ConfigError {
            variable: variable.to_owned(),
            problem: "is not set".to_owned(),
        })
    }

    /// The variable's value, if set.
    pub fn parse<T: FromStr<Err: Display>>(self, variable: &str) -> Result<Option<T>, ConfigError> {
        let parsed = self.read(variable)?.map(|text| text.parse());
        parsed.transpose().map_err(|error: T::Err| ConfigError {
            variable: variable.to_owned(),
            problem: error.to_string(),
        })
    }

    /// IP addresses, separated by commas; none if unset.
    pub fn addresses(self, variable: &str) -> Result<Vec<IpAddr>, ConfigError> {
        let listed = self.read(variable)?.unwrap_or_default();
        let each = listed
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let parsed: Result<Vec<IpAddr>, _> = each.map(str::parse).collect();
        parsed.map_err(|error| ConfigError {
            variable: variable.to_owned(),
            problem: error.to_string(),
        })
    }

    /// A number of milliseconds, or `default`.
    pub fn millis(self, variable: &str, default: u64) -> Result<Duration, ConfigError> {
        Ok(Duration::from_millis(
            self.parse(variable)?.unwrap_or(default),
        ))
    }

    /// The one currency sold in.
    pub fn currency(self) -> Result<Currency, ConfigError> {
        let Some(code) = self.read("SHOP_CURRENCY")? else {
            return Ok(Currency::USD);
        };
        Currency::parse(&code).ok_or_else(|| ConfigError {
            variable: "SHOP_CURRENCY".to_owned(),
            problem: format!("'{code}' is no ISO 4217 code"),
        })
    }
}

/// A variable's text from an environment, or from the file that the environment names.
fn lookup(
    variable: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, ConfigError> {
    let given = |name: &str| environment(name).filter(|text| !text.is_empty());
    if let Some(text) = given(variable) {
        return Ok(Some(text));
    }
    let name = format!("{variable}_FILE");
    let Some(path) = given(&name) else {
        return Ok(None);
    };
    let text = fs::read_to_string(&path).map_err(|error| ConfigError {
        variable: name,
        problem: format!("{path}: {error}"),
    })?;
    // Editors and `echo` end a file with a line's end that is no part of the secret.
    let text = text.trim_end_matches(['\r', '\n']);
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(environment: &[(&str, &str)]) -> Result<Option<String>, ConfigError> {
        lookup("KEY", |name| {
            let set = environment.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_setting_is_in_its_variable_or_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "from the file\n").unwrap();
        let path = path.to_str().unwrap();
        let given = look(&[("KEY_FILE", path)]).unwrap();
        assert_eq!(given.as_deref(), Some("from the file"));
        let given = look(&[("KEY", "itself"), ("KEY_FILE", path)]).unwrap();
        assert_eq!(given.as_deref(), Some("itself"));
        let given = look(&[("KEY", ""), ("KEY_FILE", "")]).unwrap();
        assert_eq!(given, None);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = look(&[("KEY_FILE", "/not/there")]).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("KEY_FILE: /not/there: "), "{said}");
    }
}
