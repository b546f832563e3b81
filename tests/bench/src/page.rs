//! Figures as JSON, and as the page of the reference.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::Measured;
use crate::figure::number;
use crate::machine::Machine;

/// All figures for programs.
pub(crate) fn json(machine: &Machine, all: &[Measured]) -> Value {
    let benches = all.iter().map(|(bench, figures)| {
        json!({
            "name": bench.name(),
            "grows_with": bench.grows_with(),
            "figures": figures.iter().map(crate::figure::Figure::json).collect::<Vec<_>>(),
        })
    });
    json!({
        "machine": {
            "cores": machine.cores,
            "model": machine.model,
            "memory_gib": machine.memory_gib,
            "file_system": machine.file_system,
            "kernel": machine.kernel,
            "git": machine.git,
            "load": machine.load,
        },
        "benches": benches.collect::<Vec<_>>(),
    })
}

/// All figures as a page.
pub(crate) fn markdown(machine: &Machine, all: &[Measured]) -> String {
    let mut page = format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench --write`; measured on {machine}.\n\n\
         Every figure stands beside its floor: what the disk, git or SQLite need for the same \
         work with nothing of Towpath in the way, measured in the same run. `cargo xtask bench \
         --check` fails when a figure marked with * misses its goal.\n"
    );
    for (bench, figures) in all {
        let _infallible = write!(
            page,
            "\n## {}\n\n{}\n\n| what | measured | floor | goal | met |\n|---|---|---|---|---|\n",
            bench.name(),
            bench.about()
        );
        for it in figures {
            let _infallible = writeln!(
                page,
                "| {}{} | {} {} | {} | {} | {} |",
                it.what,
                if it.gates { " *" } else { "" },
                number(it.value),
                it.unit.word(),
                it.floor_text(),
                it.goal_text(),
                it.met_text()
            );
        }
        page.push('\n');
        for it in figures {
            if let Some(floor) = &it.floor {
                let _infallible = writeln!(page, "* floor of *{}*: {}", it.what, floor.what);
            }
            if !it.note.is_empty() {
                let _infallible = writeln!(page, "* *{}*: {}", it.what, it.note);
            }
        }
        let _infallible = writeln!(page, "\nGrows with: {}", bench.grows_with());
    }
    page
}
