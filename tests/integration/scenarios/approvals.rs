//! A stage that asks for approval is written when those whom it names said yes to exactly what
//! will run, and not before.

use proto::delivery::v1::{ExplainResponse, Waiting};
use serde_json::{Value, json};

use super::newcomer::{command, command_as, refused};
use crate::harness::{Report, Server, World, releases};

pub(super) const TRACK: &str = "\
apiVersion: lowops.manifests.v1
kind: ReleaseTrack
metadata: { name: main, organizational-unit: shop }
spec:
  preReleaseStages:
    - environments: [development]
    - environments: [staging]
      approvalPolicy: { stakeholder: { groupEmail: qa } }
---
apiVersion: lowops.manifests.v1
kind: ApplicationSet
metadata: { name: storefront, release-track: main, organizational-unit: shop }
";

const FILE: &str = "environments/staging/api.yaml";

/// An installation with a person in `qa`, and one deployment that waits for them.
struct Scene {
    world: World,
    server: Server,
    quinn: String,
    id: String,
}

async fn identity(world: &World, name: &str, groups: &[&str]) -> String {
    let groups = groups.iter().flat_map(|it| ["--group", it]);
    let create: Vec<_> = ["access", "create", name]
        .into_iter()
        .chain(groups)
        .collect();
    let json = world.json(&create).await;
    json["token"].as_str().unwrap().to_owned()
}

fn on<'a>(explanation: &'a ExplainResponse, word: &str) -> Option<&'a Waiting> {
    explanation.waiting.iter().find(|it| it.on == word)
}

async fn waits(server: &Server, id: &str) -> Waiting {
    let asks = |it: &ExplainResponse| on(it, "approval").is_some();
    let explanation = server.api().explained(id, asks).await;
    on(&explanation, "approval").unwrap().clone()
}

async fn scene() -> Scene {
    let (world, _) = releases(&[("track.yaml", TRACK)]).await;
    let server = world.start().await;
    let quinn = identity(&world, "quinn", &["qa"]).await;
    let digest = world.image("api", "1.0.0").await;
    let id = server.deploy(&Report::of("api", "1.0.0", &digest)).await;
    waits(&server, &id).await;
    Scene {
        world,
        server,
        quinn,
        id,
    }
}

impl Scene {
    async fn says(&self, arguments: &[&str]) -> Value {
        let all = [&["--output", "json"], arguments].concat();
        let text = command_as(&self.world, &self.quinn, &all).run().await.ok();
        serde_json::from_str(&text).unwrap()
    }

    async fn shown(&self) -> Value {
        let mut shown = self.world.json(&["approvals", "show", &self.id]).await;
        shown["approval"].take()
    }

    /// The same after a `kill -9`.
    async fn killed(self) -> Self {
        self.server.kill9().await;
        let server = self.world.start().await;
        Self { server, ..self }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_asked_and_did_not_ask_lets_it_through() {
    let mut it = scene().await;
    let waiting = waits(&it.server, &it.id).await;
    assert!(waiting.who_can_act.contains("group `qa`"), "{waiting:#?}");
    let how = format!("towpath approve {}", it.id);
    assert!(waiting.next.contains(&how), "{waiting:#?}");
    assert_eq!(it.world.written("development").await, "1.0.0");
    assert_eq!(it.world.written("staging").await, "", "nothing is written");

    let approve = ["approve", &it.id];
    let dora = identity(&it.world, "dora", &["developer", "release-manager"]).await;
    let as_dora = command_as(&it.world, &dora, &approve);
    let said = refused(as_dora, 1, "not-a-stakeholder").await;
    assert!(said.contains("group `qa`"), "{said}");
    refused(command(&it.world, &approve), 1, "requester-cannot-approve").await;
    let machine = ["access", "create", "bot", "--group", "qa", "--service"];
    let bot = it.world.json(&machine).await["token"].take();
    let as_bot = command_as(&it.world, bot.as_str().unwrap(), &approve);
    refused(as_bot, 1, "service-cannot-approve").await;

    // Nobody has to say anything twice because a machine died.
    it = it.killed().await;
    waits(&it.server, &it.id).await;
    let dry = it.says(&["approve", &it.id, "--dry-run"]).await;
    assert_eq!(dry["approval"]["state"], "APPROVED", "{dry:#}");
    assert_eq!(dry["dry_run"], true, "{dry:#}");
    assert_eq!(it.shown().await["state"], "OPEN", "a dry run says nothing");

    let comment = "  looks\n\tgood — gut  ";
    let id = it.id.clone();
    let keyed = [
        "approve",
        &id,
        "--comment",
        comment,
        "--idempotency-key",
        "k",
    ];
    let first = it.says(&keyed).await;
    it = it.killed().await;
    it.server.api().succeeded(&it.id).await;
    assert_eq!(
        it.says(&keyed).await["approval"]["state"],
        first["approval"]["state"]
    );
    assert_eq!(it.world.written("staging").await, "1.0.0");
    let shown = it.shown().await;
    let vote = json!([{
        "name": "quinn",
        "issuer": "towpath",
        "groups": ["qa"],
        "said": "APPROVED",
        "comment": comment,
    }]);
    assert_eq!(
        (&shown["state"], &shown["votes"]),
        (&json!("APPROVED"), &vote)
    );
    assert_eq!(shown["requested_by"], "admin");
    let listed = it.world.json(&["approvals", "list"]).await;
    assert_eq!(listed["approvals"], json!([]), "nobody is asked any more");
    let mine = it.world.remote.trailers("Towpath-Deployment").await;
    assert_eq!(mine.len(), 2, "one commit per stage: {mine:?}");
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_cannot_approve_though_they_are_asked_too() {
    let it = scene().await;
    let robin = identity(&it.world, "robin", &["ci", "qa"]).await;
    let digest = it.world.image("api", "1.1.0").await;
    let report = Report::of("api", "1.1.0", &digest).json().to_string();
    let answer = it
        .server
        .post(Some(&robin), report.into_bytes())
        .await
        .json();
    let id = answer["deployments"][0]["id"].as_str().unwrap();
    let waiting = waits(&it.server, id).await;
    assert!(waiting.who_can_act.contains("not `robin`"), "{waiting:#?}");
    let as_robin = command_as(&it.world, &robin, &["approve", id]);
    refused(as_robin, 1, "requester-cannot-approve").await;
    // The newer one took the place of the older one, about which nobody is asked any more.
    assert_eq!(it.server.api().settled(&it.id).await.state, "SUPERSEDED");
    let late = command_as(&it.world, &it.quinn, &["approve", &it.id]);
    refused(late, 1, "approval-stale").await;
    it.says(&["approve", id]).await;
    it.server.api().succeeded(id).await;
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_halts_the_stage_until_the_same_group_says_yes() {
    let mut it = scene().await;
    let said = it
        .says(&["reject", &it.id, "--comment", "checkout is slow"])
        .await;
    assert_eq!(said["approval"]["state"], "REJECTED", "{said:#}");
    let halted = |it: &ExplainResponse| it.state == "HALTED";
    let explanation = it.server.api().explained(&it.id, halted).await;
    let why = on(&explanation, "rejected").unwrap();
    assert!(
        why.why.contains("quinn") && why.why.contains("checkout is slow"),
        "{why:#?}"
    );
    assert!(why.who_can_act.contains("group `qa`"), "{why:#?}");
    let listed = it.server.api().deployments().await;
    let row = listed.iter().find(|row| row.id == it.id).unwrap();
    assert_eq!(row.state, "HALTED", "{row:#?}");
    assert!(row.message.contains("checkout is slow"), "{row:#?}");
    it = it.killed().await;
    it.server.api().explained(&it.id, halted).await;
    assert_eq!(it.world.written("staging").await, "");

    let quentin = identity(&it.world, "quentin", &["qa"]).await;
    let yes = command_as(&it.world, &quentin, &["approve", &it.id]);
    yes.run().await.ok();
    // HALTED is at rest, so it is not watched: it ends when the yes is heard.
    let done = |it: &ExplainResponse| it.state == "SUCCESS";
    it.server.api().explained(&it.id, done).await;
    let shown = it.shown().await;
    assert_eq!(
        (&shown["round"], &shown["state"]),
        (&json!(2), &json!("APPROVED"))
    );
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_after_the_approval_is_approved_anew() {
    let it = scene().await;
    let hold = [
        "hold",
        "create",
        "--scope",
        "environment",
        "--subject",
        "staging",
    ];
    let hold = [&hold[..], &["--reason", "freeze"]].concat();
    let hold = it.world.json(&hold).await["hold"]["id"].take();
    let before = it.shown().await;
    let plan = before["plan_digest"].as_str().unwrap();
    it.says(&["approve", &it.id, "--plan", plan]).await;
    let only_held = |it: &ExplainResponse| on(it, "approval").is_none() && on(it, "hold").is_some();
    it.server.api().explained(&it.id, only_held).await;

    let person = it.world.clone_of(&it.world.remote, "ada").await;
    let edit = |text: String| text.replace("unhealthyThreshold: 2", "unhealthyThreshold: 9");
    person.edit(FILE, edit).await;
    let stale =
        |it: &ExplainResponse| on(it, "approval").is_some_and(|it| it.why.contains("is stale"));
    let explanation = it.server.api().explained(&it.id, stale).await;
    let why = &on(&explanation, "approval").unwrap().why;
    let field = "`/spec/health/startup/unhealthyThreshold`";
    assert!(why.contains(field) && why.contains(FILE), "{why}");
    it.world
        .cli(&["hold", "release", hold.as_str().unwrap()])
        .await
        .ok();
    let old = command_as(&it.world, &it.quinn, &["approve", &it.id, "--plan", plan]);
    refused(old, 1, "other-plan").await;
    assert_eq!(it.world.written("staging").await, "", "nothing is written");
    it.says(&["approve", &it.id]).await;
    it.server.api().succeeded(&it.id).await;
    assert_eq!(it.world.written("staging").await, "1.0.0");
    it.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_written_by_hand_does_not_go_round_the_approval() {
    let it = scene().await;
    it.says(&["approve", &it.id]).await;
    it.server.api().succeeded(&it.id).await;
    let digest = it.world.image("api", "1.1.0").await;
    let report = Report::of("api", "1.1.0", &digest);
    let id = it.server.deploy(&report).await;
    waits(&it.server, &id).await;
    let person = it.world.clone_of(&it.world.remote, "ada").await;
    let edit = |text: String| text.replace("1.0.0", "1.1.0");
    let commit = person.edit(FILE, edit).await;
    let seen = |it: &ExplainResponse| it.state == "UNAPPROVED_CHANGE";
    let slot = it.server.api().explained("staging/api", seen).await;
    assert!(slot.summary.contains(&commit), "{slot:#?}");
    let runs = slot.facts.iter().find(|it| it.name == "version");
    assert_eq!(runs.unwrap().value, "1.0.0", "nothing is restarted");
    waits(&it.server, &id).await;

    it.says(&["approve", &id]).await;
    let holds = it.world.json(&["hold", "list"]).await;
    let hold = holds["holds"][0]["id"].as_str().unwrap();
    it.world.cli(&["hold", "release", hold]).await.ok();
    it.server.api().succeeded(&id).await;
    let slot = it.world.explain("staging/api").await;
    assert_eq!(slot["state"], "IDLE", "{slot:#}");
    it.server.stop().await;
}
