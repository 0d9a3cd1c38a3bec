//! Settings come from the environment, are read once at the start, and a wrong one is named.

use std::{env, fmt::Display, net::IpAddr, str::FromStr, time::Duration};

use bothways_domain::Currency;

/// A setting that is missing or can't be understood.
#[derive(Debug)]
pub struct ConfigError {
    variable: String,
    problem: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.variable, self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// Reads the process's environment. An empty variable counts as absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings;

impl Settings {
    /// The variable's text, if set.
    pub fn text(self, variable: &str) -> Option<String> {
        env::var(variable).ok().filter(|text| !text.is_empty())
    }

    /// The variable's text, which has to be there.
    pub fn require(self, variable: &str) -> Result<String, ConfigError> {
        self.text(variable).ok_or_else(|| ConfigError {
            variable: variable.to_owned(),
            problem: "is not set".to_owned(),
        })
    }

    /// The variable's value, if set.
    pub fn parse<T: FromStr<Err: Display>>(self, variable: &str) -> Result<Option<T>, ConfigError> {
        let parsed = self.text(variable).map(|text| text.parse());
        parsed.transpose().map_err(|error: T::Err| ConfigError {
            variable: variable.to_owned(),
            problem: error.to_string(),
        })
    }

    /// IP addresses, separated by commas; none if unset.
    pub fn addresses(self, variable: &str) -> Result<Vec<IpAddr>, ConfigError> {
        let listed = self.text(variable).unwrap_or_default();
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
        let Some(code) = self.text("SHOP_CURRENCY") else {
            return Ok(Currency::USD);
        };
        Currency::parse(&code).ok_or_else(|| ConfigError {
            variable: "SHOP_CURRENCY".to_owned(),
            problem: format!("'{code}' is no ISO 4217 code"),
        })
    }
}
