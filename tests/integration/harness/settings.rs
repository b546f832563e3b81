//! What the environment says about this run, read once.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::program::build_everything;

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The numbers that were promised.
    Full,
    /// Fewer of them, for every change; what runs when nobody says otherwise.
    Quick,
}

impl Form {
    /// One of two numbers.
    pub(crate) fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One process, everything in its data directory.
    Whole,
    /// A process for each role, NATS and PostgreSQL.
    Split,
}

/// A server that somebody else started, such as a cluster.
#[derive(Debug)]
pub(crate) struct Given {
    /// `host:port`.
    pub(crate) address: String,
    /// An admin's token.
    pub(crate) token: String,
}

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The binary under test.
    pub(crate) towpath: PathBuf,
    /// `TOWPATH_BIN_BEFORE` and `TOWPATH_BEFORE` (`runner,changelog`): another version's binary, and
    /// the roles that run it where each role is a process.
    pub(crate) before: Option<(PathBuf, Vec<String>)>,
    pub(crate) form: Form,
    /// `TOWPATH_TEST_SHAPE`: what a world's server is unless the test says.
    pub(crate) shape: Shape,
    /// Outside inputs, where they exist.
    pub(crate) shared: Option<PathBuf>,
    /// A skip is a failure.
    pub(crate) ci: bool,
    /// `TOWPATH_TEST_SERVER` and `TOWPATH_TEST_TOKEN`: use this instead of spawning one.
    pub(crate) given: Option<Given>,
    /// For programs that are started with an empty environment otherwise.
    pub(crate) path: String,
    seed: u64,
}

/// The settings of this run.
pub(crate) fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(read)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge where the environment is read, once"
)]
fn read() -> Settings {
    let variable = |name: &str| env::var(name).ok().filter(|it| !it.is_empty());
    let given = variable("TOWPATH_TEST_SERVER").map(|url| Given {
        address: url.trim_start_matches("http://").to_owned(),
        token: variable("TOWPATH_TEST_TOKEN")
            .expect("TOWPATH_TEST_SERVER needs TOWPATH_TEST_TOKEN"),
    });
    let before = variable("TOWPATH_BEFORE").map(|roles| {
        let binary = variable("TOWPATH_BIN_BEFORE").expect("whose roles TOWPATH_BEFORE names");
        let roles = roles.split(',').map(str::to_owned).collect();
        (PathBuf::from(binary), roles)
    });
    Settings {
        before,
        towpath: variable("TOWPATH_BIN").map_or_else(beside_this_test, PathBuf::from),
        form: match variable("TOWPATH_ACCEPT").as_deref() {
            None | Some("quick") => Form::Quick,
            Some("full") => Form::Full,
            Some(other) => panic!("TOWPATH_ACCEPT is `{other}`; it can be `quick` or `full`"),
        },
        shape: match variable("TOWPATH_TEST_SHAPE").as_deref() {
            None | Some("whole") => Shape::Whole,
            Some("split") => Shape::Split,
            Some(other) => panic!("TOWPATH_TEST_SHAPE is `{other}`; it can be `whole` or `split`"),
        },
        shared: variable("TOWPATH_SHARED").map(PathBuf::from),
        ci: variable("CI").is_some_and(|it| it == "true"),
        given,
        path: variable("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()),
        seed: variable("TOWPATH_ACCEPT_SEED").map_or_else(fresh_seed, |it| {
            it.parse().expect("TOWPATH_ACCEPT_SEED is a number")
        }),
    }
}

impl Settings {
    /// A random source for one scenario; says how to repeat it.
    pub(crate) fn random(&self, scenario: &str) -> StdRng {
        println!(
            "{scenario}: {:?} form, TOWPATH_ACCEPT_SEED={}",
            self.form, self.seed
        );
        StdRng::seed_from_u64(self.seed)
    }
}

/// The binary in the directory that this test was built into. Test runners build only what is
/// tested, so it may have to be built first.
fn beside_this_test() -> PathBuf {
    let test = env::current_exe().expect("a test knows where it is");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("tests are in <profile>/deps");
    let towpath = profile.join("towpath");
    if !towpath.exists() {
        build_everything();
    }
    assert!(towpath.exists(), "there is no {}", towpath.display());
    towpath
}

fn fresh_seed() -> u64 {
    let mut bytes = [0; 4];
    File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut bytes)
        .unwrap();
    u32::from_le_bytes(bytes).into()
}
