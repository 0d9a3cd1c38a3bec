//! Settings from the environment, or from files that it names, as the services read them.

use std::{env, fs};

/// `variable`, or what is in the file that `variable_FILE` names; `None` if neither is set.
pub(crate) fn read(variable: &str) -> Result<Option<String>, String> {
    let given = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
    if let Some(text) = given(variable) {
        return Ok(Some(text));
    }
    let Some(path) = given(&format!("{variable}_FILE")) else {
        return Ok(None);
    };
    let text =
        fs::read_to_string(&path).map_err(|error| format!("{variable}_FILE: {path}: {error}"))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The same, when it has to be there.
pub(crate) fn require(variable: &str) -> Result<String, String> {
    read(variable)?.ok_or_else(|| format!("{variable}: is not set"))
}
