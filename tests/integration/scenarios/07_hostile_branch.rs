//! A branch that others push to all the time.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::harness::{Git, Report, Server, World, settings};

const APPLICATIONS: usize = 100;
/// Pushes that this many promotions may need against a branch that never stands still.
const PUSHES: usize = 60;
/// Two clones that commit as often as this make a commit every 20 ms together.
const CLONES: usize = 2;
const EVERY: Duration = Duration::from_millis(40);
/// A machine on which they have not pushed a fifth of what is due by then is too slow to judge by.
const PATIENCE: Duration = Duration::from_secs(80);

/// Counts pushes where they arrive; those of the other clone say who they are.
const HOOK: &str = "#!/bin/sh
cat > /dev/null
if [ -n \"$FOREIGN\" ]; then echo >> foreign-pushes; else echo >> towpath-pushes; fi
";

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path)
        .map(|it| it.lines().count())
        .unwrap_or_default()
}

/// The commits of one clone that fall due in this time.
fn due(time: Duration) -> usize {
    usize::try_from(time.as_millis() / EVERY.as_millis()).unwrap()
}

/// Somebody who commits all the time, and pushes as soon as the last push is through.
struct Foreign {
    clone: Git,
    /// The last commit that is known to have arrived, or was fetched.
    tip: String,
    arrived: BTreeSet<String>,
    refused: usize,
}

impl Foreign {
    /// Pushes for this long, and until a fifth of what was due has arrived: a slow machine pushes
    /// less often. Who never ended could win every race on a machine that is busy otherwise.
    async fn run(clone: Git, duration: Duration) -> Self {
        let tip = clone.run(&["rev-parse", "HEAD"]).await;
        let mut foreign = Self {
            clone,
            tip,
            arrived: BTreeSet::new(),
            refused: 0,
        };
        let began = Instant::now();
        let mut tick = interval(EVERY);
        while began.elapsed() < PATIENCE
            && (began.elapsed() < duration || foreign.arrived.len() < due(duration) / 5)
        {
            tick.tick().await;
            // While the last push was under way, more commits fell due; they go together, but not
            // so many that making them loses every race.
            let missing = (due(began.elapsed()) + 1).saturating_sub(foreign.arrived.len());
            foreign.push(missing.clamp(1, 20)).await;
        }
        foreign
    }

    async fn push(&mut self, count: usize) {
        let mut commits = Vec::new();
        let mut tip = self.tip.clone();
        for _ in 0..count {
            let number = self.arrived.len() + commits.len();
            // Two clones that commit the same at the same second would make one commit.
            let message = format!("{} {number}", self.clone.path().display());
            let tree = tree(&self.clone, &tip, number).await;
            tip = self
                .clone
                .run(&["commit-tree", "-p", &tip, "-m", &message, &tree])
                .await;
            commits.push(tip.clone());
        }
        let push = ["push", "-q", "origin", &format!("{tip}:refs/heads/main")];
        if self.clone.attempt(&push).await.code == 0 {
            self.arrived.extend(commits);
            self.tip = tip;
        } else {
            // Somebody was faster; what was not pushed is made again on what is there now.
            self.refused += 1;
            self.clone.run(&["fetch", "-q", "origin", "main"]).await;
            self.tip = self.clone.run(&["rev-parse", "FETCH_HEAD"]).await;
        }
    }
}

/// Mostly the tree as it was; now and then with a comment behind some application's version.
async fn tree(clone: &Git, tip: &str, count: usize) -> String {
    if count % 10 != 9 {
        return format!("{tip}^{{tree}}");
    }
    let path = format!(
        "environments/development/{}.yaml",
        name(count % APPLICATIONS)
    );
    let text = clone.run(&["show", &format!("{tip}:{path}")]).await;
    let blob = clone
        .store(format!("{text}\n# looked at {count}\n").as_bytes())
        .await;
    clone.run(&["read-tree", tip]).await;
    clone
        .run(&[
            "update-index",
            "--cacheinfo",
            &format!("100644,{blob},{path}"),
        ])
        .await;
    clone.run(&["write-tree"]).await
}

fn name(at: usize) -> String {
    format!("app-{at:03}")
}

/// All reports at once; gives the deployments.
async fn report_all(server: &Arc<Server>, digest: &str) -> Vec<String> {
    let mut reports = JoinSet::new();
    for at in 0..APPLICATIONS {
        let (server, report) = (Arc::clone(server), Report::of(&name(at), "1.0.0", digest));
        reports.spawn(async move { server.deploy(&report).await });
    }
    reports.join_all().await
}

async fn all_succeed(server: &Arc<Server>, ids: Vec<String>) {
    let mut watches = JoinSet::new();
    for id in ids {
        let server = Arc::clone(server);
        watches.spawn(async move { server.api().succeeded(&id).await });
    }
    watches.join_all().await;
}

/// One commit per deployment, one file per commit, nobody's commit lost, no merges.
async fn everything_landed(world: &World, ids: &[String], foreign: &BTreeSet<String>) {
    let commits = world.remote.trailers("Towpath-Deployment").await;
    let named: BTreeSet<_> = commits.iter().map(|(_, id)| id).collect();
    assert_eq!(commits.len(), APPLICATIONS, "one commit per deployment");
    assert_eq!(named, ids.iter().collect());
    for (commit, _) in &commits {
        let changed = world.remote.changed(commit).await;
        assert_eq!(changed.len(), 1, "{commit} changes {changed:?}");
    }
    let ancestry = world.remote.ancestry().await;
    let lost: Vec<_> = foreign.difference(&ancestry).collect();
    assert!(lost.is_empty(), "foreign commits that are gone: {lost:?}");
    assert_eq!(
        world.remote.run(&["rev-list", "--merges", "main"]).await,
        "",
        "no merges"
    );
    let last = commits
        .first()
        .map(|(commit, _)| format!("{commit}..main"))
        .unwrap_or_default();
    let later = world.remote.run(&["rev-list", "--count", &last]).await;
    println!("{later} foreign commits came after the last one of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_promotions_land_on_a_branch_that_others_push_to_every_20_ms() {
    let duration = Duration::from_secs(settings().form.pick(30, 8));
    let world = World::of((0..APPLICATIONS).map(name)).await;
    let hook = world.remote.path().join("hooks/post-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, HOOK).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut clones = Vec::new();
    for at in 0..CLONES {
        let clone = world
            .clone_of(&world.remote, &format!("foreign-{at}"))
            .await;
        clones.push(clone.env("FOREIGN", "1"));
    }
    let digest = world.image("app", "1.0.0").await;
    let server = Arc::new(world.start().await);

    let foreign: JoinSet<_> = clones
        .into_iter()
        .map(|it| Foreign::run(it, duration))
        .collect();
    let began = Instant::now();
    let ids = report_all(&server, &digest).await;
    println!("{APPLICATIONS} reports answered in {:?}", began.elapsed());
    all_succeed(&server, ids.clone()).await;
    println!("all promotions succeeded in {:?}", began.elapsed());
    let foreign = foreign.join_all().await;
    let refused: usize = foreign.iter().map(|it| it.refused).sum();
    let foreign: BTreeSet<_> = foreign.into_iter().flat_map(|it| it.arrived).collect();

    everything_landed(&world, &ids, &foreign).await;
    let [ours, theirs] = ["towpath-pushes", "foreign-pushes"];
    let [pushes, theirs] = [ours, theirs].map(|it| lines(&world.remote.path().join(it)));
    println!(
        "{} foreign commits in {theirs} pushes, {refused} more lost their race",
        foreign.len()
    );
    println!("{pushes} pushes of ours");
    // Who hardly pushes is not hostile.
    let due = CLONES * due(duration);
    assert!(
        foreign.len() >= due / 5,
        "{} of {due} foreign commits",
        foreign.len()
    );
    assert!((1..=PUSHES).contains(&pushes), "{pushes} pushes");
    Arc::into_inner(server).unwrap().stop().await;
}
