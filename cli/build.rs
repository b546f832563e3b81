//! Compiles the sample application (`sample/server.rs`), which the binary carries: the demo
//! then needs no tools and no network.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything in its environment, and to compile is its work"
)]

use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=sample/server.rs");
    println!("cargo:rerun-if-changed=build.rs");
    if let Err(why) = compile() {
        println!("cargo::error=cannot compile the sample application: {why}");
    }
}

fn compile() -> Result<(), String> {
    let of = |name: &str| std::env::var_os(name).ok_or(format!("{name} is not set by cargo"));
    let out = PathBuf::from(of("OUT_DIR")?).join("sample-server");
    let mut command = Command::new(of("RUSTC")?);
    command
        .args([
            "--edition=2024",
            "--crate-name=sample_server",
            "--crate-type=bin",
        ])
        .args([
            "-Copt-level=s",
            "-Cpanic=abort",
            "-Cstrip=symbols",
            "-Ccodegen-units=1",
        ])
        .arg("--target")
        .arg(of("TARGET")?)
        .arg("sample/server.rs")
        .arg("-o")
        .arg(&out);
    if let Some(linker) = std::env::var_os("RUSTC_LINKER") {
        let mut option = std::ffi::OsString::from("-Clinker=");
        option.push(linker);
        command.arg(option);
    }
    let output = command.output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).replace('\n', " "))
}
