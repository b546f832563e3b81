#!/usr/bin/env bash
# The main job: a build report becomes a running version, and survives anything.
#
# Takes the two commands from README.md and runs them in a fresh clone with an empty HOME, then
# everything else as tests of tests/integration. Judges only from the git remote, the exported
# log, the process on its port, and answers.
#
# TOWPATH_ACCEPT=quick runs the short forms and reuses the toolchain's caches; without it, numbers
# are those that were promised and nothing is reused. TOWPATH_SHARED names outside inputs.
set -euo pipefail
cd "$(dirname "$0")/../.."

form=${TOWPATH_ACCEPT:-full}
case $form in quick | full) ;; *) echo "TOWPATH_ACCEPT is '$form'; it can be quick or full" >&2; exit 2 ;; esac
export TOWPATH_ACCEPT=$form
tree=$PWD
world=$(mktemp -d "${TMPDIR:-/tmp}/towpath-accept-XXXXXX")
failed=()

end() {
    # Items are shells of their own; what they leave running they note here.
    if [ -s "$world/demo.pid" ]; then kill -9 "$(cat "$world/demo.pid")" 2>/dev/null || true; fi
    # What a demo left running when it was cut off: everything that runs from inside our directory.
    local process
    for process in /proc/[0-9]*; do
        case $(readlink "$process/exe" 2>/dev/null || true) in
        "$world"/*) kill -9 "${process#/proc/}" 2>/dev/null || true ;;
        esac
    done
    if [ ${#failed[@]} -eq 0 ]; then rm -rf "$world"; else echo "kept for looking: $world"; fi
}
trap end EXIT

# item <name> <command…>: runs it, prints one line about it.
item() {
    local name=$1 began=$SECONDS verdict=PASS
    shift
    # A shell of its own for each item, and not inside a condition, where `set -e` means nothing.
    set +e
    (
        set -e
        "$@"
    )
    [ $? -eq 0 ] || verdict=FAIL
    set -e
    [ $verdict = PASS ] || failed+=("$name")
    printf '%s %s (%ds)\n' "$verdict" "$name" $((SECONDS - began))
}

fail() {
    printf '%s\n' "$*" >&2
    return 1
}

# One of the two commands, as README.md has it in a block of shell.
readme_command() {
    awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' README.md |
        sed 's/^\$ //; s/ *#.*$//; s/ *$//' | grep -Fx "$1" | sort -u | grep . ||
        fail "README.md has no line '$1' in a block of sh"
}

# fresh <command…>: runs something in the clone as on a machine that has never seen Towpath.
fresh() {
    (become_fresh "$@")
}

# The same in place of this shell.
become_fresh() {
    local -a variables=("HOME=$world/home" "PATH=$toolchain:$PATH" "GIT_TERMINAL_PROMPT=0" "TMPDIR=$world/tmp")
    if [ -n "${RUSTUP_HOME:-}" ] || [ -d "${HOME:-/root}/.rustup" ]; then
        variables+=("RUSTUP_HOME=${RUSTUP_HOME:-${HOME:-/root}/.rustup}")
    fi
    if [ "$form" = quick ]; then
        variables+=("CARGO_HOME=${CARGO_HOME:-${HOME:-/root}/.cargo}" "CARGO_TARGET_DIR=$target")
    else
        # No cache of any kind; only where crates come from on this machine stays known.
        mkdir -p "$world/home/.cargo"
        local config
        for config in "${CARGO_HOME:-${HOME:-/root}/.cargo}"/config{,.toml}; do
            [ ! -e "$config" ] || cp "$config" "$world/home/.cargo/"
        done
        variables+=("CARGO_HOME=$world/home/.cargo")
    fi
    local name
    for name in CI LANG CARGO_INCREMENTAL "${!CARGO_HTTP_@}" "${!CARGO_NET_@}" "${!CARGO_REGISTR@}" \
        "${!CARGO_SOURCE_@}" SSL_CERT_FILE {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY; do
        [ -z "${!name:-}" ] || variables+=("$name=${!name}")
    done
    cd "$world/clone"
    exec env -i "${variables[@]}" "$@"
}

# printed <file> <word>: what a demo said behind this word at the beginning of a line.
printed() {
    local value
    value=$(sed -n "s/^$2  *//p" "$1" | head -n 1)
    [ -n "$value" ] || fail "the demo printed no '$2'; it printed:" "$(cat "$1")"
    printf '%s\n' "$value"
}

# The remote's last commit is the printed one and names the printed deployment.
remote_agrees() {
    local deployment commit remote said
    deployment=$(printed "$1" deployment)
    commit=$(printed "$1" commit)
    remote=$(printed "$1" remote)
    said=$(git -C "$remote" log -1 --format='%H %(trailers:key=Towpath-Deployment,valueonly)' | tr -d '\n')
    [ "$said" = "$commit $deployment" ] || fail "the remote says '$said', the demo '$commit $deployment'"
}

# body <url>: what a plain GET answers, without any client that a machine may lack.
body() {
    local address=${1#http://} path
    path=/${address#*/}
    address=${address%%/*}
    exec 9<>"/dev/tcp/${address%%:*}/${address##*:}" || return
    printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$path" "$address" >&9
    timeout 10 cat <&9
    exec 9>&-
}

clone() {
    git clone -q "$tree" "$world/clone"
    mkdir -p "$world/home" "$world/tmp"
}

# Without --keep the demo ends by itself and leaves its remote to be looked at.
first_command() {
    local command
    command=$(readme_command 'cargo run -- demo')
    local -a words
    read -ra words <<<"$command"
    fresh "${words[@]}" >"$world/first.out" || fail "'$command' exited $?" "$(tail -n 50 "$world/first.out")"
    cat "$world/first.out"
    remote_agrees "$world/first.out"
}

# While it is kept, the URL answers the version that the remote's manifest holds.
kept_demo() {
    local out=$world/kept.out url answer version remote file demo
    become_fresh "$towpath" demo --keep >"$out" 2>"$world/kept.err" &
    demo=$!
    echo "$demo" >"$world/demo.pid"
    for _ in $(seq 600); do
        ! grep -q '^url ' "$out" || break
        kill -0 "$demo" 2>/dev/null || fail "the demo ended:" "$(cat "$out" "$world/kept.err")"
        sleep 0.1
    done
    url=$(printed "$out" url)
    remote=$(printed "$out" remote)
    remote_agrees "$out"
    file=$(git -C "$remote" diff-tree -r --no-commit-id --name-only HEAD)
    version=$(git -C "$remote" show "HEAD:$file" | sed -n 's/^ *version: *"\{0,1\}\([^" #]*\).*/\1/p' | head -n 1)
    [ -n "$version" ] || fail "no version in $file"
    answer=$(body "$url")
    case $answer in
    "HTTP/1.1 200"*"$version"*) echo "$url answers $version" ;;
    *) fail "$url does not answer $version but:" "$answer" ;;
    esac
    kill -TERM "$demo"
    wait "$demo" || fail "the kept demo exited $? when it was asked to end"
    rm "$world/demo.pid"
    ! body "$url" >/dev/null 2>&1 || fail "$url still answers after the demo has ended"
}

# A namespace with nothing but loopback.
without_network() {
    local -a user=()
    [ "$(id -u)" = 0 ] || user=(--map-root-user)
    fresh unshare "${user[@]}" --net sh -c 'ip link set lo up && exec "$0" demo' "$towpath" >"$world/cut.out" 2>&1 ||
        fail "without a network the demo exited $?" "$(cat "$world/cut.out")"
    remote_agrees "$world/cut.out"
}

second_command() {
    local command
    command=$(readme_command 'cargo xtask test')
    local -a words
    read -ra words <<<"$command"
    fresh "${words[@]}"
}

# tests <package> [filter…]: the rest of the list, as tests.
tests() {
    local package=$1
    shift
    if cargo nextest --version >/dev/null 2>&1; then
        local profile=default
        [ "$form" = quick ] || profile=full
        cargo nextest run --config-file tests/accept/nextest.toml --profile "$profile" \
            --package "$package" --success-output final "$@"
    else
        cargo test --package "$package" -- --test-threads=1 --nocapture "$@"
    fi
}

toolchain=$(dirname "$(command -v cargo)")
target=${CARGO_TARGET_DIR:-$tree/target}
item 'fresh clone' clone
if [ "$form" = full ]; then target=$world/clone/target; fi
towpath=$target/debug/towpath
item '1 first command of README.md' first_command
item '1 the kept demo answers its version' kept_demo
item '1 the built demo without a network' without_network
if [ "$form" = full ]; then
    item '1 second command of README.md' second_command
else
    echo "not run here: 'cargo xtask test', the second command, which .ci/run runs itself"
fi
cargo build --quiet --workspace
item '2-10, 12-14 tests of a real server' tests integration
item '11 edits' tests manifests
item '15 purity bites' tests xtask purity

if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo "main job, $form form: everything passed in ${SECONDS}s"
