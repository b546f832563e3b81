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
/// Two clones, each as often as this, push a commit every 20 ms.
const CLONES: usize = 2;
const EVERY: Duration = Duration::from_millis(40);

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

/// Pushes a commit as often as asked, for so long; gives the commits that arrived.
async fn push_all_the_time(clone: Git, duration: Duration) -> BTreeSet<String> {
    let began = Instant::now();
    let mut tick = interval(EVERY);
    let mut tip = clone.run(&["rev-parse", "HEAD"]).await;
    let mut arrived = BTreeSet::new();
    while began.elapsed() < duration {
        tick.tick().await;
        // Two clones that commit the same at the same second would make one commit.
        let message = format!("{} {}", clone.path().display(), arrived.len());
        let tree = tree(&clone, &tip, arrived.len()).await;
        let commit = clone
            .run(&["commit-tree", "-p", &tip, "-m", &message, &tree])
            .await;
        let push = ["push", "-q", "origin", &format!("{commit}:refs/heads/main")];
        if clone.attempt(&push).await.code == 0 {
            arrived.insert(commit.clone());
            tip = commit;
        } else {
            // Towpath was faster; what was not pushed is made again on its commit.
            clone.run(&["fetch", "-q", "origin", "main"]).await;
            tip = clone.run(&["rev-parse", "FETCH_HEAD"]).await;
        }
    }
    arrived
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
        .map(|it| push_all_the_time(it, duration))
        .collect();
    let began = Instant::now();
    let ids = report_all(&server, &digest).await;
    println!("{APPLICATIONS} reports answered in {:?}", began.elapsed());
    all_succeed(&server, ids.clone()).await;
    println!("all promotions succeeded in {:?}", began.elapsed());
    let foreign: BTreeSet<_> = foreign.join_all().await.into_iter().flatten().collect();

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

    let pushes = lines(&world.remote.path().join("towpath-pushes"));
    println!(
        "{} foreign commits in {duration:?}, {pushes} pushes of ours",
        foreign.len()
    );
    assert_eq!(
        lines(&world.remote.path().join("foreign-pushes")),
        foreign.len()
    );
    assert!((1..=PUSHES).contains(&pushes), "{pushes} pushes");
    Arc::into_inner(server).unwrap().stop().await;
}
