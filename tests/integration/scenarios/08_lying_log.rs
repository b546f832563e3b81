//! A log that was tampered with is never believed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::harness::{Options, Report, Sqlite, World, settings};

const FLIPS: usize = 100;

/// One row of the table `commits`, every column as bytes.
#[derive(Debug, Clone)]
struct Row {
    position: u64,
    /// As messages name it: `kind:uuid`.
    aggregate: String,
    version: u64,
    columns: Vec<(&'static str, Vec<u8>)>,
}

/// Columns that hold bytes; `version` is a number and changed as one.
const COLUMNS: [&str; 5] = ["kind", "id", "commit_id", "hash", "bytes"];

fn bytes(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in bytes {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
    }
    hex
}

fn aggregate(kind: &str, id: &[u8]) -> String {
    let id = hex(id);
    let parts = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]];
    format!("{kind}:{}", parts.join("-"))
}

async fn rows(log: &Sqlite) -> Vec<Row> {
    let columns: Vec<_> = COLUMNS.iter().map(|it| format!("hex({it})")).collect();
    let sql = format!(
        "SELECT position, version, {} FROM commits;",
        columns.join(", ")
    );
    let row = |line: &String| {
        let parts: Vec<_> = line.split('|').collect();
        let columns: Vec<_> = COLUMNS
            .iter()
            .zip(&parts[2..])
            .map(|(name, hex)| (*name, bytes(hex)))
            .collect();
        let kind = String::from_utf8(columns[0].1.clone()).unwrap();
        Row {
            position: parts[0].parse().unwrap(),
            aggregate: aggregate(&kind, &columns[1].1),
            version: parts[1].parse().unwrap(),
            columns,
        }
    };
    log.run(&sql).await.iter().map(row).collect()
}

/// A world with a history of every kind of aggregate, and nobody running.
async fn history() -> World {
    let world = World::of(["api", "shop"]).await;
    let server = world.start().await;
    for version in ["1.0.0", "1.1.0"] {
        for app in ["api", "shop"] {
            let digest = world.image(app, version).await;
            server.deployed(&Report::of(app, version, &digest)).await;
        }
    }
    let hold = ["hold", "create", "--scope", "all", "--reason", "freeze"];
    let hold = world.json(&hold).await["hold"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.json(&["hold", "release", &hold]).await;
    world
        .json(&["access", "create", "ci", "--group", "ci", "--service"])
        .await;
    server.stop().await;
    world.database("log.db").settle().await;
    world
}

/// One way to damage one row.
struct Damage {
    what: String,
    data: PathBuf,
}

impl Damage {
    /// Through SQL, as somebody would who knows the tables.
    async fn by_sql(world: &World, row: &Row, random: &mut StdRng) -> Self {
        let data = world.copy_data("flipped");
        let log = Sqlite::at(&data.join("log.db"), &world.home());
        let choice = random.random_range(0..=COLUMNS.len());
        let (what, set) = if let Some((column, stored)) = row.columns.get(choice) {
            let mut flipped = stored.clone();
            let at = random.random_range(0..flipped.len());
            flipped[at] ^= 1 << random.random_range(0..8);
            let literal = format!("x'{}'", hex(&flipped));
            let literal = match *column {
                "kind" => format!("CAST({literal} AS TEXT)"),
                _ => literal,
            };
            (
                format!("{column} byte {at}"),
                format!("{column} = {literal}"),
            )
        } else {
            // Not onto another row's version, which the table's index would refuse.
            let version = row.version ^ (1 << random.random_range(8..16));
            (
                format!("version = {version}"),
                format!("version = {version}"),
            )
        };
        let sql = format!(
            "UPDATE commits SET {set} WHERE position = {};",
            row.position
        );
        log.without_triggers("commits", &sql).await;
        log.settle().await;
        Self {
            what: format!("SQL, position {}, {what}", row.position),
            data,
        }
    }

    /// In the file, as a disk would do it.
    async fn in_the_file(world: &World, row: &Row, random: &mut StdRng) -> Self {
        let data = world.copy_data("flipped");
        let path = data.join("log.db");
        let original = std::fs::read(&path).unwrap();
        let log = Sqlite::at(&path, &world.home());
        loop {
            // Short columns lie in indexes as well; the sealed bytes and their hash do not.
            let (column, stored) = &row.columns[random.random_range(3..COLUMNS.len())];
            let at = random.random_range(0..stored.len());
            let Some(offset) = found(&original, stored, at, random) else {
                continue;
            };
            let mut damaged = original.clone();
            damaged[offset] ^= 1 << random.random_range(0..8);
            std::fs::write(&path, &damaged).unwrap();
            // A copy of the row may lie in a page's free space, where nothing reads it.
            let sql = format!(
                "SELECT hex({column}) FROM commits WHERE position = {};",
                row.position
            );
            let read = log.attempt(&sql).await;
            if read.code != 0 || bytes(read.text().trim()) != *stored {
                let what = format!("file offset {offset}, position {}, {column}", row.position);
                return Self { what, data };
            }
        }
    }
}

/// Where a byte of a stored value lies in a file, by what is around it.
fn found(file: &[u8], stored: &[u8], at: usize, random: &mut StdRng) -> Option<usize> {
    let from = at.saturating_sub(8);
    let around = &stored[from..stored.len().min(at + 8)];
    let places: Vec<_> = file
        .windows(around.len())
        .enumerate()
        .filter(|(_, it)| *it == around)
        .collect();
    let chosen = random.random_range(0..places.len().max(1));
    places.get(chosen).map(|(place, _)| place + at - from)
}

/// What is wrong, as `log verify` says it.
fn finding(text: &str) -> Option<&str> {
    const NAMES: [&str; 7] = [
        "HashMismatch: ",
        "BrokenChain: ",
        "VersionGap: ",
        "PositionGap: ",
        "IndexMismatch: ",
        "Undecodable: ",
        "Damaged: ",
    ];
    let begin = NAMES.iter().filter_map(|name| text.find(name)).min()?;
    text[begin..].lines().next()
}

async fn is_found(world: &World, row: &Row, data: &Path, what: &str) {
    let verify = world.cli_on(data, &["log", "verify"]).await;
    assert_eq!(verify.code, 1, "{what}: {verify}");
    let all = verify.all();
    let finding = finding(&all).unwrap_or_else(|| panic!("{what}: {verify}"));
    let named = format!("{} version {}", row.aggregate, row.version);
    assert!(
        finding.contains(&named),
        "{what}: {named} is not named in {finding}"
    );
    let options = Options {
        data: Some(data.to_owned()),
        ..Options::default()
    };
    let refusal = world.refusal(&options).await;
    assert_eq!(refusal.code, 1, "{what}: {refusal}");
    assert!(
        refusal.stderr.contains(finding),
        "{what}: {refusal}\nlacks {finding}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_flipped_anywhere_is_found_and_named_sqlite3_shell() {
    let mut random = settings().random("flips");
    let world = history().await;
    world.cli(&["log", "verify"]).await.ok();
    let rows = rows(&world.database("log.db")).await;
    for flip in 0..FLIPS {
        let row = &rows[random.random_range(0..rows.len())];
        let damage = match flip % 2 {
            0 => Damage::by_sql(&world, row, &mut random).await,
            _ => Damage::in_the_file(&world, row, &mut random).await,
        };
        is_found(&world, row, &damage.data, &damage.what).await;
        std::fs::remove_dir_all(&damage.data).unwrap();
    }
    println!(
        "{FLIPS} flips over {} commits, each found and named",
        rows.len()
    );
}

/// Whether `up` refuses with this word, and leaves the log alone.
async fn is_refused(world: &World, data: &Path, word: &str) {
    let before = std::fs::read(data.join("log.db")).unwrap();
    let options = Options {
        data: Some(data.to_owned()),
        ..Options::default()
    };
    let refusal = world.refusal(&options).await;
    assert_eq!(refusal.code, 1, "{refusal}");
    assert!(refusal.stderr.contains(word), "{word}: {refusal}");
    Sqlite::at(&data.join("log.db"), &world.home())
        .settle()
        .await;
    let after = std::fs::read(data.join("log.db")).unwrap();
    assert!(before == after, "{word}: a refused log is left as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_its_last_commit_is_rewound_sqlite3_shell() {
    let world = history().await;
    let delete = "DELETE FROM commits WHERE position = (SELECT max(position) FROM commits);";
    // Clever or not: with the table's own counter turned back, only the read models remember.
    let counter = "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'commits';";
    for (name, sql) in [
        ("cut", delete.to_owned()),
        ("cut-well", format!("{delete}\n{counter}")),
    ] {
        let data = world.copy_data(name);
        let log = Sqlite::at(&data.join("log.db"), &world.home());
        log.without_triggers("commits", &sql).await;
        log.settle().await;
        is_refused(&world, &data, "LogRewound").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_another_installation_is_the_wrong_one_sqlite3_shell() {
    let (here, there) = tokio::join!(history(), history());
    let data = here.copy_data("swapped");
    std::fs::copy(there.data.join("log.db"), data.join("log.db")).unwrap();
    is_refused(&here, &data, "WrongLog").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_cannot_be_changed_or_deleted_by_the_sqlite3_shell() {
    let world = history().await;
    let log = world.database("log.db");
    let before = log
        .run("SELECT count(*), hex(max(hash)) FROM commits;")
        .await;
    for sql in [
        "UPDATE commits SET bytes = x'00' WHERE position = 1;",
        "UPDATE commits SET version = 99 WHERE position = 2;",
        "DELETE FROM commits WHERE position = 1;",
        "DELETE FROM commits;",
        "INSERT OR REPLACE INTO commits SELECT * FROM commits WHERE position = 1;",
        "UPDATE meta SET log_id = x'00';",
        "DELETE FROM meta;",
    ] {
        let outcome = log.attempt(sql).await;
        assert_ne!(outcome.code, 0, "{sql}: {outcome}");
        assert!(
            outcome.stderr.contains("append-only") || outcome.stderr.contains("identity"),
            "{outcome}"
        );
    }
    assert_eq!(
        log.run("SELECT count(*), hex(max(hash)) FROM commits;")
            .await,
        before
    );
    world.cli(&["log", "verify"]).await.ok();
    world.start().await.stop().await;
}
