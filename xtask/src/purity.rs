//! The purity proof bites: a clock planted into a copy of a domain file does not compile.
//!
//! The copy is a small workspace of its own (`tests/purity`, what it depends on, and every domain)
//! below `target/`, so that its dependencies are built once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell;
use crate::tidy;
use crate::workspace::{Workspace, root};

const CLOCK: &str = "\npub fn planted() -> i64 { chrono::Utc::now().timestamp_micros() }\n";

/// Crates of the proof, copied whole.
const CRATES: &[&str] = &[
    "libs/ids/",
    "libs/decider/",
    "libs/policy/",
    "libs/versioning/",
    "tests/purity/",
];

struct Copy {
    top: PathBuf,
    /// The top file of each domain.
    domains: Vec<String>,
    /// Two runs at once would plant into each other's copy.
    _lock: fs::File,
}

impl Copy {
    fn make(here: &Workspace) -> Self {
        let base = root().join("target/purity-proof");
        fs::create_dir_all(&base).unwrap();
        let lock = fs::File::create(base.join("lock")).unwrap();
        lock.lock().unwrap();
        let top = base.join("workspace");
        match fs::remove_dir_all(&top) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
        let is_domain =
            |path: &str| path.contains("/src/domain/") || path.ends_with("/src/domain.rs");
        let mut domains = Vec::new();
        for (path, text) in here.files() {
            let is_part = CRATES.iter().any(|at| path.starts_with(at)) || path == "Cargo.lock";
            if is_part || is_domain(path) {
                write(&top.join(path), text);
            }
            if path.ends_with("/src/domain/mod.rs") || path.ends_with("/src/domain.rs") {
                domains.push(path.to_owned());
            }
        }
        let mut manifest: toml::Table = here.text("Cargo.toml").unwrap().parse().unwrap();
        let members = CRATES
            .iter()
            .map(|path| path.trim_end_matches('/').to_owned().into());
        let workspace = manifest["workspace"].as_table_mut().unwrap();
        workspace.insert(
            "members".to_owned(),
            members.collect::<Vec<toml::Value>>().into(),
        );
        workspace.remove("default-members");
        write(&top.join("Cargo.toml"), &manifest.to_string());
        Self {
            top,
            domains,
            _lock: lock,
        }
    }

    /// Compiles the proof offline; what the compiler said when it refused.
    fn check(&self) -> Result<(), String> {
        let output = shell::command(&self.top, &shell::cargo())
            .args([
                "check",
                "--offline",
                "--quiet",
                "--package",
                "purity",
                "--lib",
            ])
            .env("CARGO_TARGET_DIR", self.top.with_file_name("built"))
            .env("CARGO_INCREMENTAL", "0")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(said)
        }
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_clock_in_any_domain_fails_the_tidy_rule_and_the_compiler() {
    let mut here = Workspace::read(&root()).unwrap();
    let copy = Copy::make(&here);
    assert!(
        copy.domains.len() >= 3,
        "every domain is part of the proof: {:?}",
        copy.domains
    );
    copy.check().expect(
        "the domains as they are compile with nothing but ids, decider, policy, versioning and thiserror",
    );
    for domain in &copy.domains {
        let text = here.text(domain).unwrap().to_owned();
        let planted = format!("{text}{CLOCK}");
        write(&copy.top.join(domain), &planted);
        let refused = copy.check().expect_err("a clock compiles in a domain");
        assert!(
            refused.contains("E0433") && refused.contains("chrono"),
            "{domain}: {refused}"
        );
        write(&copy.top.join(domain), &text);

        here.put(domain, planted);
        let report = tidy::report(&here);
        assert!(
            report.contains("domain_is_pure") && report.contains(domain.as_str()),
            "{report}"
        );
        here.put(domain, text);
    }
}

#[test]
fn a_service_that_depends_on_a_sibling_fails_the_tidy_rule() {
    let mut here = Workspace::read(&root()).unwrap();
    let path = "services/runner/Cargo.toml";
    let manifest = here.text(path).unwrap().to_owned();
    for plant in [
        "\n[dev-dependencies.cd-manager]\nworkspace = true\n",
        "\n[build-dependencies]\nsibling = { package = \"cd-manager\", path = \"../cd-manager\" }\n",
    ] {
        let mut table: toml::Table = manifest.parse().unwrap();
        let planted: toml::Table = plant.parse().unwrap();
        for (kind, entries) in planted {
            let entries = entries.as_table().unwrap().clone();
            let present = table
                .entry(kind)
                .or_insert_with(|| toml::Table::new().into());
            present.as_table_mut().unwrap().extend(entries);
        }
        here.put(path, table.to_string());
        let report = tidy::report(&here);
        assert!(
            report.contains("services_stand_alone") && report.contains(path),
            "{report}"
        );
    }
}
