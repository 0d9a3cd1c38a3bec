//! Building the services and functions, and finding them beside the launcher.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Root of the workspace this launcher was built from.
pub(crate) fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}

/// The folder all binaries are in: the launcher's own.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    Ok(own.parent().unwrap_or(Path::new(".")).to_owned())
}

/// Builds every binary of the workspace in the profile the launcher itself was built in. Cargo's
/// progress goes to the terminal.
pub(crate) async fn build() -> Result<(), String> {
    let folder = folder()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Not the launcher: it runs, and with the others it would be linked anew.
    command
        .args([
            "build",
            "--workspace",
            "--exclude",
            env!("CARGO_PKG_NAME"),
            "--bins",
        ])
        .args(["--profile", profile(&folder)])
        .current_dir(workspace())
        .kill_on_drop(true);
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    forget_package(&mut command);
    let status = command.status().await.map_err(|error| {
        format!("can't run cargo ({error}); with the binaries built, --no-build does without")
    })?;
    if status.success() {
        Ok(())
    } else {
        Err("the build failed; see above".to_owned())
    }
}

/// Takes from `cargo` what another cargo told this program of its package: a build script that looks at it (ring's) would
/// take it for a change, and half of everything would be compiled again, each time.
fn forget_package(cargo: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_"];
        let text = name.to_string_lossy();
        if of_package.iter().any(|start| text.starts_with(start)) {
            cargo.env_remove(&name);
        }
    }
}

/// Builds everything, and becomes the program that compares: Ctrl-C and the exit code are its own.
pub(crate) async fn compare(options: &[OsString]) -> Result<(), String> {
    build().await?;
    let program = folder()?.join("compare");
    let error = std::process::Command::new(&program).args(options).exec();
    Err(format!("{}: {error}", program.display()))
}

/// Cargo's name of the profile whose output folder this is.
fn profile(folder: &Path) -> &str {
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    }
}

/// Says which of `names` are not built.
pub(crate) fn check(folder: &Path, names: impl IntoIterator<Item = String>) -> Result<(), String> {
    let missing: Vec<String> = names
        .into_iter()
        .filter(|name| !folder.join(name).is_file())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "not built in {}: {}; leave out --no-build, or run `cargo build --workspace --bins`",
        folder.display(),
        missing.join(", ")
    ))
}
