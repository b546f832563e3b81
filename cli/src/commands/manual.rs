//! What documents the command line: completions, manual pages, the reference.

mod catalogue;
mod services;

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use service::Config;

use crate::args::{Args, Page};
use crate::failure::Failure;
use crate::output;

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "towpath", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())
}

pub(super) fn man(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(Failure::io(dir.display()))?;
    clap_mangen::generate_to(Args::command(), dir).map_err(Failure::io(dir.display()))?;
    output::line(&format!(
        "manual pages in {}; man -l {}/towpath.1",
        dir.display(),
        dir.display()
    ))
}

pub(super) fn reference(page: Page) -> Result<(), Failure> {
    let text = match page {
        Page::Cli => cli(),
        Page::Configuration => configuration()?,
        Page::Services => services::page()?,
    };
    output::line(text.trim_end())
}

fn cli() -> String {
    let mut command = Args::command().term_width(100);
    command.build();
    let mut text = String::from(
        "# Command line\n\nGenerated from the program; `cargo xtask gen` writes it anew.\n\n\
         Exit status: 0 done, 1 refused (no retry helps), 2 usage, 3 broke or timed out (a retry may help).\n",
    );
    pages(&mut command, "towpath", &mut text);
    text
}

fn pages(command: &mut clap::Command, path: &str, text: &mut String) {
    // What every command takes stands once, at the top.
    let is_root = !path.contains(' ');
    let mut shown = command.clone().bin_name(path);
    if !is_root {
        shown = shown.mut_args(|it| {
            let is_global = it.is_global_set();
            it.hide(is_global)
        });
    }
    let help = shown.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    text.extend([format!(
        "\n## `{path}`\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    )]);
    for sub in command.get_subcommands_mut().filter(|it| !it.is_hide_set()) {
        let path = format!("{path} {}", sub.get_name());
        pages(sub, &path, text);
    }
}

fn configuration() -> Result<String, Failure> {
    let defaults = toml::to_string_pretty(&Config::default())
        .map_err(|error| Failure::broke("configuration", error.to_string()))?;
    let mut settings = String::from("| key | variable | what it says |\n| --- | --- | --- |\n");
    for it in service::config::SETTINGS {
        let variable = match it.variable {
            "" => String::new(),
            name => format!("`{name}`"),
        };
        // Writing to a String cannot fail.
        let _ok = writeln!(settings, "| `{}` | {variable} | {} |", it.key, it.what);
    }
    Ok(format!(
        "# Configuration\n\nGenerated from the program; `cargo xtask gen` writes it anew.\n\n\
         `towpath.toml` in the data directory, then the environment, then flags: the last one wins. \
         The first `towpath up` writes the file.\n\n{settings}\nWhat holds when nothing is said:\n\n```toml\n{}\n```\n\n\
         To listen beyond this machine, a certificate is needed:\n\n```toml\nlisten = \"0.0.0.0:7070\"\n\n[tls]\n\
         certificate = \"/etc/towpath/tls.crt\"\nkey = \"/etc/towpath/tls.key\"\n```\n\n\
         Commands also read `TOWPATH_DATA`, `TOWPATH_SERVER`, `TOWPATH_TOKEN`, `TOWPATH_LOG` (what is logged, such as \
         `info,git=debug`), `TOWPATH_LOG_FORMAT=json` and `NO_COLOR`.\n",
        defaults.trim_end()
    ))
}
