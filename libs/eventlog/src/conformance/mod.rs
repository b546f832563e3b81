//! The suite that every back end must pass: guarantees G1–G15, one file per guarantee, the same
//! cases for each back end.
//!
//! A back end writes a [`Stand`] and `eventlog::conformance!(make)`, where `make()` is a future
//! of a fresh stand.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use ids::{AggregateId, CommitId, Uuid, derive};

use crate::commit::{Draft, EventRecord, Head, SealedCommit};
use crate::log::{AppendError, Appended, EventLog, LogIdentity};

pub mod g01_atomic;
pub mod g02_one_winner;
pub mod g03_dense;
pub mod g04_order;
pub mod g05_durable;
pub mod g06_once;
pub mod g07_own_writes;
pub mod g08_subscribe;
pub mod g09_unchangeable;
pub mod g10_exact;
pub mod g11_size;
pub mod g12_ambiguity;
pub mod g13_lies;
pub mod g14_slow_readers;
pub mod g15_epochs;
pub mod model;

#[cfg(test)]
mod backends;

/// What went wrong around a case.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// How a case ends: it panics when a guarantee is broken.
pub type Outcome = Result<(), Trouble>;

/// A fresh log of one back end, and what a test may do to it.
#[async_trait]
pub trait Stand: Send + Sync + 'static {
    /// The log.
    fn log(&self) -> Arc<dyn EventLog>;

    /// The same log after everything that had it open let go of it.
    async fn reopen(&self) -> Result<Arc<dyn EventLog>, Trouble>;

    /// Raises the epoch, as a restore does.
    async fn raise_epoch(&self) -> Result<u32, Trouble>;
}

/// The identity that stands give to a fresh log.
pub fn identity() -> LogIdentity {
    LogIdentity {
        log_id: Uuid::from_u128(0x1090),
        epoch: 1,
        created_at_us: 1_700_000_000_000_000,
    }
}

/// The aggregate `slot:<n>`.
pub fn slot(n: u128) -> AggregateId {
    AggregateId::new("slot", Uuid::from_u128(n))
}

/// A draft with one event, whose commit id follows from the label.
pub fn draft(aggregate: &AggregateId, label: &str) -> Draft {
    let commit_id = derive::id("conformance", &[&aggregate.to_string(), label]);
    Draft {
        aggregate: aggregate.clone(),
        commit_id: CommitId(commit_id),
        recorded_at_us: 1_700_000_000_000_001,
        actor: "tester".into(),
        correlation: None,
        causation: None,
        request_hash: None,
        traceparent: None,
        events: vec![event(label.as_bytes())],
    }
}

/// An event with this payload.
pub fn event(payload: &[u8]) -> EventRecord {
    EventRecord {
        kind: "towpath.test.v1.Happened".into(),
        schema: 1,
        payload: Bytes::copy_from_slice(payload),
    }
}

/// Seals a one-event commit for a version after `head`.
pub fn next(aggregate: &AggregateId, head: &Head, label: &str) -> SealedCommit {
    SealedCommit::seal(draft(aggregate, label), head, identity().epoch)
}

/// Appends one more commit to an aggregate.
pub async fn append(
    log: &Arc<dyn EventLog>,
    aggregate: &AggregateId,
    label: &str,
) -> Result<SealedCommit, Trouble> {
    let head = log.head(aggregate).await?;
    let commit = next(aggregate, &head, label);
    log.append(&commit).await?;
    Ok(commit)
}

/// Appends `each` commits to each of `slot:1` … `slot:<aggregates>`, all aggregates at once.
pub async fn fill(log: &Arc<dyn EventLog>, aggregates: u128, each: u64) -> Outcome {
    let writers = (1..=aggregates).map(|n| async move {
        let mut head = Head::NONE;
        for version in 1..=each {
            let commit = next(&slot(n), &head, &format!("fill {version}"));
            log.append(&commit).await?;
            head = commit.head();
        }
        Ok::<_, AppendError>(())
    });
    join_all(writers)
        .await
        .into_iter()
        .collect::<Result<(), _>>()?;
    Ok(())
}

/// Appends each of these commits in a task of its own, all started together.
pub async fn race(
    log: &Arc<dyn EventLog>,
    commits: Vec<SealedCommit>,
) -> Result<Vec<Result<Appended, AppendError>>, Trouble> {
    let start = Arc::new(tokio::sync::Barrier::new(commits.len()));
    let writers = commits.into_iter().map(|commit| {
        let (log, start) = (log.clone(), start.clone());
        tokio::spawn(async move {
            start.wait().await;
            log.append(&commit).await
        })
    });
    Ok(join_all(writers)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?)
}

/// A case by itself.
pub type Case = fn(Arc<dyn Stand>) -> BoxFuture<'static, Outcome>;

/// Every case, as `#[tokio::test]`s that call `make()` for a fresh stand each, and their names
/// as `CASES`.
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance_table! { conformance_cases $make }
    };
}

/// Every case with its name, for back ends whose stands share a server.
pub fn cases() -> Vec<(&'static str, Case)> {
    crate::conformance_table! { conformance_list () }
}

/// The table of cases, given to another macro.
#[macro_export]
#[doc(hidden)]
macro_rules! conformance_table {
    ($then:ident $with:expr) => {
        $crate::$then! { $with;
            g01_atomic: [
                a_commit_of_many_events_is_read_whole,
                a_refused_commit_leaves_nothing,
                a_commit_without_events_is_refused,
            ],
            g02_one_winner: [
                the_first_version_is_one,
                a_stale_version_conflicts_and_says_the_actual_one,
                a_version_too_far_ahead_conflicts,
                two_writers_never_both_win,
                six_writers_never_both_win,
                writers_that_decide_again_all_land,
                aggregates_do_not_conflict_with_each_other,
                the_same_id_of_another_kind_is_another_aggregate,
                a_commit_on_a_forged_head_is_refused,
            ],
            g03_dense: [
                versions_are_dense_and_chained,
                loading_after_a_version_gives_the_rest,
                loading_after_the_last_version_gives_nothing,
                loading_after_a_version_never_reached_is_named,
                an_aggregate_without_commits_loads_empty,
                a_long_aggregate_loads_whole,
            ],
            g04_order: [
                positions_strictly_increase,
                positions_strictly_increase_under_many_writers,
                nothing_appears_below_a_position_already_seen,
                pages_cover_the_log_without_gap_or_overlap,
                a_limit_of_nothing_gives_nothing,
                reading_at_the_tail_gives_nothing,
            ],
            g05_durable: [
                it_says_what_an_acknowledged_append_survives,
                what_was_acknowledged_is_there_after_reopening,
                the_tail_is_the_same_after_reopening,
                appending_goes_on_after_reopening,
            ],
            g06_once: [
                the_same_commit_again_is_a_duplicate,
                a_duplicate_is_known_after_many_other_commits,
                a_duplicate_is_known_after_reopening,
                a_commit_id_with_other_content_is_refused,
                a_commit_id_on_another_aggregate_is_refused,
                the_same_commit_sent_by_many_is_stored_once,
            ],
            g07_own_writes: [
                load_sees_what_was_just_appended,
                head_and_tail_see_what_was_just_appended,
                the_head_of_nothing_is_none,
                the_tail_of_nothing_is_zero,
            ],
            g08_subscribe: [
                an_empty_log_is_caught_up_at_once,
                everything_comes_in_order_then_caught_up,
                a_subscription_starts_after_any_position,
                what_is_appended_later_comes_as_well,
                there_is_no_gap_between_stored_and_live,
                two_subscriptions_see_the_same,
                a_dropped_wait_loses_nothing,
                subscribing_beyond_the_tail_is_named,
                batches_are_bounded_and_in_order,
            ],
            g09_unchangeable: [
                a_stored_version_is_never_replaced,
                refused_appends_change_no_stored_byte,
            ],
            g10_exact: [
                bytes_and_hash_come_back_exactly,
                every_field_comes_back,
                empty_fields_come_back_empty,
                hostile_text_and_bytes_come_back,
                extreme_times_come_back,
            ],
            g11_size: [
                too_large_a_commit_is_refused_and_reads_go_on,
                the_largest_commit_fits,
            ],
            g12_ambiguity: [
                a_stored_commit_is_found_by_its_id,
                an_unknown_commit_id_is_found_nowhere,
                an_append_nobody_waited_for_can_be_looked_up,
                appending_again_after_looking_in_vain_stores_once,
            ],
            g13_lies: [
                a_true_checkpoint_is_confirmed,
                a_checkpoint_beyond_the_tail_is_log_rewound,
                a_checkpoint_of_another_log_is_wrong_log,
                a_checkpoint_with_another_hash_is_log_forked,
                a_checkpoint_of_a_later_epoch_is_epoch_regressed,
                reading_beyond_the_tail_is_named,
            ],
            g14_slow_readers: [
                a_slow_subscriber_does_not_hold_up_writers,
                many_subscribers_each_get_everything,
                a_page_of_large_commits_is_bounded,
            ],
            g15_epochs: [
                a_commit_of_an_older_epoch_is_fenced,
                a_commit_of_a_later_epoch_is_fenced,
                a_raised_epoch_stays_raised,
                what_was_stored_before_stays_acknowledged,
            ],
            model: [
                any_history_is_what_the_model_says,
            ],
        }
    };
}

/// Lists the cases for [`cases`].
#[macro_export]
#[doc(hidden)]
macro_rules! conformance_list {
    ($nothing:expr; $($group:ident: [$($case:ident,)*],)*) => {
        vec![$($((
            stringify!($case),
            (|stand| Box::pin($crate::conformance::$group::$case(stand))) as $crate::conformance::Case,
        ),)*)*]
    };
}

/// Writes the tests of [`conformance!`].
#[macro_export]
#[doc(hidden)]
macro_rules! conformance_cases {
    ($make:expr; $($group:ident: [$($case:ident,)*],)*) => {
        /// The names of all cases.
        pub(crate) const CASES: &[&str] = &[$($(stringify!($case),)*)*];

        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() -> $crate::conformance::Outcome {
                let stand = $make().await?;
                $crate::conformance::$group::$case(stand).await
            }
        )*)*
    };
}
