#!/usr/bin/env bash
# Versions, labels, commit messages and changelogs: of any repository, and on a server.
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

# The same, with each role in a process of its own, over NATS and PostgreSQL.
split() {
    TOWPATH_TEST_SHAPE=split scenario "$1"
}

# Whether each row is printed; how long anything takes is not judged here.
rows() {
    local printed what state graph peer missing=0
    printed=$(cargo xtask bench versions --quick) || return
    printf '%s\n' "$printed"
    is_there() {
        grep -Eq "^$1 " <<< "$printed" || { echo "no row: $1" >&2; missing=1; }
    }
    for what in 'version compute' 'changelog of 30 commits' 'changelog of 25[0-9]{3} commits'; do
        for graph in 'no commit-graph' commit-graph; do
            for state in warm cold; do is_there "$what, $state, $graph"; done
        done
        for peer in 2.12.0 2.13.1; do is_there "$what and git-cliff $peer"; done
    done
    return $missing
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
item '4 fifty at once, and repeated' scenario version_reserved::fifty_commits_at_once_get_fifty_versions_and_keep_them
item '4 a build that failed' scenario version_reserved::the_number_of_a_build_that_failed_is_not_used_again
item '4 made by hand, or not allowed' tests 'test(=scenarios::version_reserved::tags_that_nobody_reserved_are_passed_by_or_refused) +
    test(=scenarios::version_reserved::who_may_reserve_what_and_where_is_checked_first)' --test integration
item '4 killed meanwhile, nonsense' tests 'test(=scenarios::version_reserved::killed_while_it_reserves_no_version_is_doubled) +
    test(=scenarios::version_reserved::a_request_that_makes_no_sense_reserves_nothing)' --test integration
item '4 on processes of their own' split version_reserved::fifty_commits_at_once_get_fifty_versions_and_keep_them
item '5 taken, skipped or next' scenario version_compute::a_version_is_taken_skipped_or_next_and_never_two_of_these
item '6 the three ways to branch' tests 'test(scenarios::version_flows::)' --test integration
item '6 tags of every kind' scenario version_compute::tags_of_every_kind_are_read_and_others_are_counted
item '6 prefixes and paths' scenario version_compute::of_several_things_in_one_repository_each_has_its_own_versions
item '7 outputs of a GitHub step' scenario version_compute::outputs_of_a_step_are_lines_that_no_message_can_add_to
item '12 an explanation is true' scenario version_evidence::without_the_commit_that_is_named_the_version_is_the_one_that_is_named
item '8 GitHub: labels, webhooks, commits of a branch, outages' tests 'package(fake-github) | test(/^scenarios::forge_/)' \
    --test integration --test behaviour --test description
item '8 titles derive labels' scenario commits_check::a_title_derives_its_label
item '8 labels count in versions' tests 'test(scenarios::version_labels::)' --test integration
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
if [ "$form" = full ]; then
    item '13 a long history, beside git and git-cliff' rows
else
    echo 'not run here: 13, the bench of a long history, which needs the full form'
fi

verdict || exit 1
echo "versions, $form form: everything passed in ${SECONDS}s"
