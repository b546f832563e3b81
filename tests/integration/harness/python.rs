//! Clients in Python, with what they need in an environment that is made once.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::program::Program;

/// A program of tests/clients/python.
pub(crate) async fn client(name: &str, home: &Path) -> Program {
    let script = clients().join(name);
    interpreter(home).await.args([script.to_str().unwrap()])
}

/// The interpreter that has what they need.
pub(crate) async fn interpreter(home: &Path) -> Program {
    Program::new(environment(home).await, home).env("PYTHONDONTWRITEBYTECODE", "1")
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python")
}

/// The interpreter of an environment that holds exactly what is asked for.
async fn environment(home: &Path) -> PathBuf {
    let wanted = clients().join("requirements.txt");
    let asked = std::fs::read(&wanted).unwrap();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    std::fs::create_dir_all(&tools).unwrap();
    // Named by what it holds: one that is in use is never replaced.
    let digest: [u8; 32] = Sha256::digest(&asked).into();
    let [a, b, c, d, ..] = digest;
    let name = format!("clients-{:08x}", u32::from_be_bytes([a, b, c, d]));
    let environment = tools.canonicalize().unwrap().join(name);
    if environment.is_dir() {
        return environment.join("bin/python");
    }
    let new = environment.with_extension(std::process::id().to_string());
    let path = new.to_str().unwrap();
    Program::new("python3", home)
        .args(["-m", "venv", path])
        .run()
        .await
        .ok();
    Program::new(new.join("bin/python"), home)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--require-hashes", "-r", wanted.to_str().unwrap()])
        .run()
        .await
        .ok();
    // Another test may have made one meanwhile; either will do.
    std::fs::rename(&new, &environment).ok();
    std::fs::remove_dir_all(&new).ok();
    environment.join("bin/python")
}
