//! One file per promise, numbered like the list of what had to hold before the first version;
//! those without a number came later.

mod another_machine;
mod approvals;
mod as_of;
#[path = "12_bad_input.rs"]
mod bad_input;
#[path = "12_bad_manifests.rs"]
mod bad_manifests;
mod changelog;
mod changelog_bundle;
mod changelog_clones;
mod changelog_range;
mod checker;
mod commits_check;
mod commits_of_a_push;
mod events;
#[path = "02_exact_bytes.rs"]
mod exact_bytes;
mod forge_commits;
mod forge_labels;
mod forge_looks;
mod forge_outages;
mod forge_webhooks;
mod future_event;
mod holds;
#[path = "07_hostile_branch.rs"]
mod hostile_branch;
#[path = "14_human_edit.rs"]
mod human_edit;
mod kept_running;
#[path = "06_kill.rs"]
mod kill;
#[path = "05_late_build.rs"]
mod late_build;
#[path = "13_listening.rs"]
mod listening;
#[path = "08_lying_log.rs"]
mod lying_log;
mod newcomer;
mod newcomer_access;
mod newcomer_branch;
mod newcomer_holds;
mod newcomer_rollback;
#[path = "09_no_failed_request.rs"]
mod no_failed_request;
#[path = "13_no_room.rs"]
mod no_room;
mod operators;
#[path = "04_other_digest.rs"]
mod other_digest;
mod python_client;
#[path = "10_rebuild.rs"]
mod rebuild;
mod rebuild_served;
mod release;
mod release_registry;
mod rollback;
#[path = "03_same_report.rs"]
mod same_report;
#[path = "12_secrets.rs"]
mod secrets;
mod services_page;
mod stopped_role;
mod telemetry;
mod version_compute;
mod version_evidence;
mod version_flows;
mod version_labels;
mod version_reserved;
mod version_tags;
