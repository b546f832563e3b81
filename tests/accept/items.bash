# For the acceptance scripts: a line for each item, and a verdict at the end. Sourced, not run.

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

# verdict: says which items failed; success when none did.
verdict() {
    [ ${#failed[@]} -gt 0 ] || return 0
    printf 'FAILED: %s\n' "${failed[@]}"
    return 1
}
