//! The dependency arrows of DESIGN.md, held over `cargo metadata`: what each layer may know.

#![expect(clippy::expect_used, reason = "a test reports by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
    process::Command,
};

use serde_json::Value;

/// A package of the workspace.
#[derive(Debug)]
struct Package {
    name: String,
    /// Its folder from the root, e.g. `services/cart`.
    folder: String,
    /// What it is built from; what only its tests use is apart.
    dependencies: Vec<String>,
    test_dependencies: Vec<String>,
    binaries: Vec<String>,
}

impl Package {
    fn is_in(&self, folder: &str) -> bool {
        self.folder.starts_with(folder)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace")
}

/// What cargo says of the workspace.
fn cargo(arguments: &[&str]) -> Vec<u8> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).arg("--offline").current_dir(root());
    let output = command.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn packages() -> Vec<Package> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_slice(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let manifest = PathBuf::from(text(&value["manifest_path"]));
    let folder = manifest
        .parent()
        .and_then(|folder| folder.strip_prefix(root()).ok());
    let of_kind = |test: bool| {
        let all = list(&value["dependencies"]).into_iter();
        let chosen = all.filter(|dependency| (dependency["kind"] == "dev") == test);
        chosen.map(|dependency| text(&dependency["name"])).collect()
    };
    let is_binary = |target: &Value| list(&target["kind"]).iter().any(|kind| kind == "bin");
    Package {
        name: text(&value["name"]),
        folder: folder
            .map(|folder| folder.display().to_string())
            .unwrap_or_default(),
        dependencies: of_kind(false),
        test_dependencies: of_kind(true),
        binaries: list(&value["targets"])
            .iter()
            .filter(|target| is_binary(target))
            .map(|target| text(&target["name"]))
            .collect(),
    }
}

/// Every package that the workspace is compiled of along these edges, with the features it is compiled with.
fn compiled(edges: &str) -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--prefix=none",
        "--format={p} {f}",
        "--edges",
        edges,
    ]);
    let tree = String::from_utf8(tree).expect("text");
    let lines = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned());
    lines.collect()
}

/// What each library may be built from, of the project's own crates. Whoever is not named here is a
/// deployable, the launcher or this suite.
fn may_use() -> BTreeMap<&'static str, Vec<&'static str>> {
    BTreeMap::from([
        ("bothways-domain", vec![]),
        ("bothways-credentials", vec!["bothways-domain"]),
        ("bothways-mail", vec!["bothways-domain"]),
        ("bothways-imaging", vec!["bothways-domain"]),
        ("bothways-objects", vec!["bothways-domain"]),
        (
            "bothways-search",
            vec!["bothways-domain", "bothways-objects"],
        ),
        ("bothways-store-sqlite", vec!["bothways-domain"]),
        ("bothways-store-postgres", vec!["bothways-domain"]),
        ("bothways-store-contract", vec!["bothways-domain"]),
        ("bothways-upstream", vec![]),
        (
            "bothways-http",
            vec!["bothways-domain", "bothways-upstream"],
        ),
        (
            "bothways-storefront",
            vec!["bothways-domain", "bothways-http"],
        ),
        (
            "bothways-runtime",
            vec![
                "bothways-domain",
                "bothways-credentials",
                "bothways-search",
                "bothways-store-sqlite",
                "bothways-store-postgres",
                "bothways-http",
                "bothways-storefront",
                "bothways-upstream",
            ],
        ),
    ])
}

fn own<'a>(packages: &'a [Package], names: &'a [String]) -> Vec<&'a str> {
    let known = |name: &&String| packages.iter().any(|package| package.name == **name);
    names.iter().filter(known).map(String::as_str).collect()
}

/// Tests start what `cargo build` makes. A feature that only some test asks of a dependency would have it, and all that
/// is built on it, compiled twice: minutes that nobody notices, as they are spent below `cargo test`.
#[test]
fn tests_ask_no_features_that_programs_are_built_without() {
    let (programs, tests) = (compiled("normal,build"), compiled("normal,build,dev"));
    assert!(programs.len() > 100, "{programs:?}");
    let twice: Vec<_> = programs.difference(&tests).collect();
    assert!(twice.is_empty(), "compiled twice: {twice:#?}");
}

#[test]
fn every_library_is_built_from_the_layers_below_it_only() {
    let (packages, allowed) = (packages(), may_use());
    for (library, below) in &allowed {
        let package = packages.iter().find(|package| package.name == *library);
        let package = package.unwrap_or_else(|| panic!("there is no package {library}"));
        for used in own(&packages, &package.dependencies) {
            assert!(
                below.contains(&used),
                "{library} may not be built from {used}"
            );
        }
    }
}

#[test]
fn every_package_under_shared_has_its_place_among_the_layers() {
    let allowed = may_use();
    for package in packages().iter().filter(|package| package.is_in("shared/")) {
        assert!(
            allowed.contains_key(package.name.as_str()),
            "{} is in no layer",
            package.name
        );
    }
}

#[test]
fn tests_of_a_library_use_layers_below_it_and_the_store_stories_only() {
    let (packages, allowed) = (packages(), may_use());
    for package in packages.iter().filter(|package| package.is_in("shared/")) {
        for used in own(&packages, &package.test_dependencies) {
            let below = allowed
                .get(package.name.as_str())
                .is_some_and(|below| below.contains(&used));
            let stories = used == "bothways-store-contract";
            let over_a_store =
                used.starts_with("bothways-store-") && package.name == "bothways-runtime";
            assert!(
                below || stories || over_a_store,
                "tests of {} use {used}",
                package.name
            );
        }
    }
}

#[test]
fn the_domain_knows_no_web_no_database_no_runtime_and_no_cloud() {
    let packages = packages();
    let domain = packages
        .iter()
        .find(|package| package.name == "bothways-domain");
    let banned = [
        "axum",
        "hyper",
        "reqwest",
        "http",
        "tower",
        "sqlx",
        "tokio",
        "lambda",
        "tantivy",
        "object_store",
        "aws",
        "jsonwebtoken",
        "argon2",
    ];
    for used in &domain.expect("a domain").dependencies {
        let knows = banned.iter().any(|banned| used.starts_with(banned));
        assert!(!knows, "the domain is built from {used}");
    }
}

#[test]
fn stores_know_no_web_and_the_web_knows_no_database() {
    for package in packages() {
        let banned: &[&str] = match package.name.as_str() {
            "bothways-store-sqlite" | "bothways-store-postgres" => {
                &["axum", "hyper", "reqwest", "tower", "aws"]
            }
            "bothways-http" | "bothways-storefront" => {
                &["sqlx", "tantivy", "aws", "lambda", "object_store"]
            }
            "bothways-search"
            | "bothways-credentials"
            | "bothways-imaging"
            | "bothways-objects"
            | "bothways-mail" => &["axum", "hyper", "sqlx", "aws", "lambda"],
            _ => &[],
        };
        for used in &package.dependencies {
            let knows = banned.iter().any(|banned| used.starts_with(banned));
            assert!(!knows, "{} is built from {used}", package.name);
        }
    }
}

#[test]
fn services_and_functions_stand_on_shared_crates_and_never_on_each_other() {
    let packages = packages();
    let shells = || {
        packages
            .iter()
            .filter(|p| p.is_in("services/") || p.is_in("functions/"))
    };
    for package in shells() {
        let used = [package.dependencies.as_slice(), &package.test_dependencies].concat();
        for used in own(&packages, &used) {
            let shared = packages
                .iter()
                .any(|known| known.name == used && known.is_in("shared/"));
            assert!(shared, "{} is built from {used}", package.name);
        }
    }
}

/// What measures is built of each other: the comparison offers the generator's load, and knows processes and medians.
const MEASURING: [(&str, &str); 2] = [
    ("bothways-compare", "bothways-load"),
    ("bothways-performance", "bothways-compare"),
];

#[test]
fn nothing_is_built_from_the_launcher_or_the_tests() {
    let packages = packages();
    for package in &packages {
        let used = [package.dependencies.as_slice(), &package.test_dependencies].concat();
        for used in own(&packages, &used) {
            let known = packages.iter().find(|known| known.name == used);
            let fine = MEASURING.contains(&(package.name.as_str(), used))
                || known.is_some_and(|known| !known.is_in("deploy/") && !known.is_in("tests"));
            assert!(fine, "{} is built from {used}", package.name);
        }
    }
}

#[test]
fn the_black_box_tests_are_built_from_no_crate_of_the_project() {
    let packages = packages();
    let tests: Vec<&Package> = packages.iter().filter(|p| p.is_in("tests")).collect();
    assert_eq!(
        tests.len(),
        5,
        "the suites, the load generator, what compares, benchmarks, and what functions are measured beside"
    );
    for tests in tests {
        let used = [tests.dependencies.as_slice(), &tests.test_dependencies].concat();
        let mut used = own(&packages, &used);
        used.retain(|used| !MEASURING.contains(&(tests.name.as_str(), used)));
        assert_eq!(used, Vec::<&str>::new(), "{}", tests.name);
    }
}

#[test]
fn every_deployable_is_a_package_with_one_binary_of_its_name() {
    let packages = packages();
    for (folder, suffix) in [("services", "-service"), ("functions", "")] {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let entries: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .collect();
        assert!(
            entries.len() >= 10,
            "{folder} has {} deployables",
            entries.len()
        );
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let place = format!("{folder}/{name}");
            let package = packages.iter().find(|package| package.folder == place);
            let package = package.unwrap_or_else(|| panic!("{place} is no package"));
            assert_eq!(package.binaries, [format!("{name}{suffix}")], "{place}");
        }
    }
}

#[test]
fn every_shell_only_wires() {
    for folder in ["services", "functions"] {
        for entry in fs::read_dir(root().join(folder))
            .expect("a folder")
            .flatten()
        {
            let main = entry.path().join("src/main.rs");
            let text = fs::read_to_string(&main).unwrap_or_default();
            let lines = text.lines().count();
            assert!(
                (1..=60).contains(&lines),
                "{} has {lines} lines",
                main.display()
            );
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut folders: Vec<PathBuf> = ["services", "functions", "shared", "deploy/local", "tests"]
        .map(|f| root().join(f))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                assert!(
                    text.starts_with("//!"),
                    "{} does not say what it is for",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_test_that_the_table_of_fidelity_names_is_there() {
    let table = fs::read_to_string(root().join("docs/lambda-fidelity.md")).expect("the table");
    let mut sources = String::new();
    let mut folders = vec![root().join("deploy/local/src/lambda")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                sources.push_str(&fs::read_to_string(entry.path()).unwrap_or_default());
            }
        }
    }
    let is_test = |name: &&str| name.matches('_').count() > 2;
    let named: Vec<&str> = table
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_test)
        .collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        assert!(
            sources.contains(&format!("fn {name}()")),
            "there is no test {name}"
        );
    }
}
