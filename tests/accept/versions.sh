#!/usr/bin/env bash
# Versions, labels, commit checks and changelogs, on real repositories.
#
# TOWPATH_ACCEPT=quick runs the short forms; without it, numbers are those that were promised.
set -euo pipefail
cd "$(dirname "$0")/../.."

form=${TOWPATH_ACCEPT:-full}
case $form in quick | full) ;; *) echo "TOWPATH_ACCEPT is '$form'; it can be quick or full" >&2; exit 2 ;; esac
export TOWPATH_ACCEPT=$form
failed=()

# item <name> <command…>: runs it, prints one line about it.
item() {
    local name=$1 began=$SECONDS verdict=PASS
    shift
    set +e
    "$@"
    [ $? -eq 0 ] || verdict=FAIL
    set -e
    [ $verdict = PASS ] || failed+=("$name")
    printf '%s %s (%ds)\n' "$verdict" "$name" $((SECONDS - began))
}

# tests <filter>: what is a test already.
tests() {
    local profile=default
    [ "$form" = quick ] || profile=full
    cargo nextest run --config-file tests/accept/nextest.toml --profile "$profile" --workspace \
        --success-output final -E "$1"
}

item '10 what is new between two versions' tests \
    '(package(versioning) & test(/^changelog::/)) + (package(integration) & test(::changelog_range::))'

if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo "versions, $form form: everything passed in ${SECONDS}s"
