#!/usr/bin/env bash
# The roles as processes of their own over NATS and PostgreSQL: what each promises apart from
# the others, and that nothing is lost, doubled or unexplained while they die.
#
# TOWPATH_ACCEPT=quick runs the short forms; without it, numbers are those that were promised.
# The chart and the compose files have scripts of their own: chart.sh, compose.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

form=${TOWPATH_ACCEPT:-full}
case $form in quick | full) ;; *) echo "TOWPATH_ACCEPT is '$form'; it can be quick or full" >&2; exit 2 ;; esac
export TOWPATH_ACCEPT=$form
world=$(mktemp -d "${TMPDIR:-/tmp}/towpath-services-XXXXXX")
target=${CARGO_TARGET_DIR:-$PWD/target}
target=$(mkdir -p "$target" && cd "$target" && pwd)
. tests/accept/items.bash
stack=

end() {
    if [ -n "$stack" ]; then kill -TERM "$stack" 2>/dev/null && wait "$stack" 2>/dev/null || true; fi
    if [ ${#failed[@]} -eq 0 ]; then rm -rf "$world"; else echo "kept for looking: $world"; fi
}
trap end EXIT

# Binaries that no later build replaces while they run. What is promised in seconds is promised of
# what is shipped, so the full form has that built, too.
binaries() {
    cargo xtask setup && cargo build --quiet --workspace --bins &&
        cp "$target/debug/towpath" "$target/debug/xtask" "$world/" || return 1
    [ "$form" = full ] || return 0
    cargo build --quiet --release --workspace --bin towpath && mkdir -p "$world/shipped" &&
        cp "$target/release/towpath" "$world/shipped/"
}

services() {
    local -a more=()
    [ "$form" = full ] || more=(--quick)
    python3 tests/accept/services_items.py "$1" --xtask "$world/xtask" --towpath "$world/towpath" \
        ${more[@]+"${more[@]}"} "${@:2}"
}

# tests <package> <filter>: what is a test already.
tests() {
    local profile=default
    [ "$form" = quick ] || profile=full
    cargo nextest run --config-file tests/accept/nextest.toml --profile "$profile" --package "$1" \
        --success-output final -E "$2" "${@:3}"
}

split() (
    if [ -x "$world/shipped/towpath" ] && [ -z "${TOWPATH_BEFORE:-}" ]; then
        export TOWPATH_BIN=$world/shipped/towpath
    fi
    export TOWPATH_TEST_SHAPE=split
    tests integration 'test(::exact_bytes::) + test(::same_report::) + test(::other_digest::) +
        test(::late_build::) + test(::kill::) + test(::hostile_branch::) + test(::rebuild::)'
)

# With the fences compiled out two writers win: the test can see what it is there for.
unfenced() {
    ! cargo nextest run --package eventlog --features unfenced -E 'test(nats::tests::race)'
}

chaos() {
    local minutes=10
    [ "$form" = full ] || minutes=1
    "$world/xtask" stack up --dir "$world/stack" --nats 3 --towpath "$world/towpath" >"$world/stack.out" 2>&1 &
    stack=$!
    for _ in $(seq 600); do
        ! grep -q '^ready' "$world/stack.out" || break
        kill -0 "$stack" || { cat "$world/stack.out"; return 1; }
        sleep 0.1
    done
    local verdict=0
    python3 tests/accept/chaos.py --state "$world/stack/stack.json" --towpath "$world/towpath" \
        --minutes "$minutes" --rate 20 --applications 100 || verdict=$?
    kill -TERM "$stack"
    wait "$stack" || true
    stack=
    return $verdict
}

mixed() {
    git clone -q . "$world/before" && git -C "$world/before" checkout -q HEAD~1 &&
        (cd "$world/before" && CARGO_TARGET_DIR=$world/before/target cargo build --quiet --workspace --bin towpath) &&
        services mixed --before "$world/before/target/debug/towpath" &&
        mixed_split runner,changelog && mixed_split cd-manager,releaser,approval-ledger
}

# The main job with these roles of the commit before; how often it survives a kill was seen above.
mixed_split() {
    local form=quick
    TOWPATH_ACCEPT=quick TOWPATH_BIN_BEFORE=$world/before/target/debug/towpath TOWPATH_BEFORE=$1 split
}

item 'binaries' binaries
item '1 each role, stopped, stops its own step' services roles
item '1 the main job on a process for each role' split
item '4, 6 the stream cannot be changed behind our back' services stream
item '5 nothing lost or doubled while everything dies' chaos
item '7 an old copy of the log is noticed, the archive brings all back' services restore
if [ "$form" = full ]; then
    item '2, 3, 4, 6, 7 the log on NATS' tests eventlog 'test(nats::)'
    item '3 the race test can see the bug' unfenced
    item '8 rebuilt while it is read' tests integration 'test(::rebuild_served::)'
    item '9 roles of the commit before' mixed
    export TOWPATH_TEST_SHAPE=split
    item '10 a Python client' tests integration 'test(::python_client::)'
    item '9 an event of a later version' tests integration 'test(::future_event::)'
    item '11 events of CI' tests integration 'test(::events::)'
    item '14 traces and numbers' tests integration 'test(::telemetry::)'
    unset TOWPATH_TEST_SHAPE
else
    echo "not run here: what .ci/run runs as tests, and roles of the commit before"
fi

verdict || exit 1
echo "services, $form form: everything passed in ${SECONDS}s"
