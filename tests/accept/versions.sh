#!/usr/bin/env bash
# Versions, labels, commit messages and changelogs: in any repository without a server, and what the
# changelog service makes of them.
#
# TOWPATH_ACCEPT=quick runs the short forms with a debug build; without it, numbers are those that
# were promised, of a release build. TOWPATH_SHARED names outside inputs: the vectors.
set -euo pipefail
cd "$(dirname "$0")/../.."

form=${TOWPATH_ACCEPT:-full}
case $form in quick | full) ;; *) echo "TOWPATH_ACCEPT is '$form'; it can be quick or full" >&2; exit 2 ;; esac
export TOWPATH_ACCEPT=$form
target=${CARGO_TARGET_DIR:-$PWD/target}
. tests/accept/items.bash

# The binary under test.
binary() {
    local -a more=()
    [ "$form" = quick ] || more=(--release)
    cargo xtask setup && cargo build --quiet --workspace --bin towpath ${more[@]+"${more[@]}"}
}

# tests <filter>: what is a test already; what it counted is printed.
tests() {
    cargo nextest run --workspace --success-output final -E "$1" "${@:2}"
}

scenario() {
    tests "test(=scenarios::$1)" --test integration
}

if [ "$form" = full ]; then
    TOWPATH_BIN=$target/release/towpath
    case $TOWPATH_BIN in /*) ;; *) TOWPATH_BIN=$PWD/$TOWPATH_BIN ;; esac
    export TOWPATH_BIN
fi

item 'the binary' binary
if [ -n "${TOWPATH_SHARED:-}" ]; then
    item '1 vectors of messages and versions' tests 'package(versioning) & binary(vectors)' --test vectors
    item '1 vectors of messages, from outside' scenario commits_check::the_vectors_hold_from_outside
else
    echo 'not run here: 1, the vectors, which need TOWPATH_SHARED'
fi
item '2 each case of the table' scenario version_compute::what_was_decided_for_each_case_comes_out
item '3 clones that lack something' scenario version_compute::a_clone_that_lacks_something_says_what_to_fetch_and_then_succeeds
item '5 taken, skipped or next' scenario version_compute::a_version_is_taken_skipped_or_next_and_never_two_of_these
item '6 the three ways to branch' tests 'test(scenarios::version_flows::)' --test integration
item '6 tags of every kind' scenario version_compute::tags_of_every_kind_are_read_and_others_are_counted
item '6 prefixes and paths' scenario version_compute::of_several_things_in_one_repository_each_has_its_own_versions
item '7 outputs of a GitHub step' scenario version_compute::outputs_of_a_step_are_lines_that_no_message_can_add_to
item '12 an explanation is true' scenario version_evidence::without_the_commit_that_is_named_the_version_is_the_one_that_is_named
item '8 titles derive labels' scenario commits_check::a_title_derives_its_label
item '9 messages, line by line' tests 'test(=scenarios::commits_check::one_message_a_line_is_answered_by_one_line) +
    test(=scenarios::commits_check::a_line_that_is_no_message_refuses_all)' --test integration
item '9 merges are exempt, faults have columns' scenario commits_of_a_push::each_commit_of_a_range_is_judged_and_merges_are_not
item '9 reverts and fixups on protected branches' scenario commits_of_a_push::what_git_writes_for_a_while_fails_on_protected_branches_with_a_hint
item '9 pushes: new, forced, deleted' scenario commits_of_a_push::a_push_is_what_after_has_and_before_had_not
item '9 what a clone lacks' scenario commits_of_a_push::what_a_clone_lacks_is_fetched_by_the_command_that_is_printed
item '9 10,000 commits' scenario commits_check::ten_thousand_commits_take_less_than_a_second
item '10 changelogs of made-up histories, hostile texts' tests 'package(versioning) & test(/^changelog::/)' --lib
item '10 what is new between two versions' tests 'test(/^scenarios::changelog_(range|clones)::/)' --test integration
item '11 what the changelog service stores and compares' tests 'package(changelog)' --lib
item '11 what is new in production by a bundle' tests 'test(/^scenarios::changelog_bundle::/)' --test integration

verdict || exit 1
echo "versions, $form form: everything passed in ${SECONDS}s"
