#!/usr/bin/env bash
# The compose files: both come up healthy within 60 seconds from an image built with
# deploy/Dockerfile, and `towpath demo --server` passes against them.
#
# Uses the Docker engine that answers, or starts Debian's (docker.io, docker-compose) on a socket of
# its own. Where none can start, this suite alone may be skipped, by name, in CI too. Base images that
# cannot be pulled are stood in for by images of the same programs (tests/deploy/standins).
#
# tests/accept/compose.sh [all-in-one|split]…
set -euo pipefail
cd "$(dirname "$0")/../.."

[ $# -gt 0 ] || set -- all-in-one split
limit=60
tools=$PWD/target/tools
world=$(mktemp -d "${TMPDIR:-/tmp}/towpath-compose-XXXXXX")
project=towpathaccept$$
failed=0
engine=
shown=()

end() {
    local file
    for file in "${shown[@]}"; do compose "$file" down --volumes --timeout 5 >/dev/null 2>&1 || true; done
    if [ -n "$engine" ]; then
        kill "$engine" 2>/dev/null || true
        local left
        for left in {1..50}; do kill -0 "$engine" 2>/dev/null || break; sleep 0.2; done
        ip link delete docker0 2>/dev/null || true
        if [ -s "$world/iptables" ]; then iptables-restore <"$world/iptables" || true; fi
        # Layers that are mounted still keep the directory.
        awk -v at="$world/" 'index($2, at) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
    fi
    rm -rf "$world"
}
trap end EXIT

skip() {
    printf 'SKIPPED compose: needs %s\n' "$1"
    exit 0
}

compose() {
    local file=$1
    shift
    docker-compose --project-name "$project" --file "deploy/compose/$file.yaml" "$@"
}

# Debian's packages, where they can be had; they start nothing by themselves.
get_engine() {
    command -v dockerd >/dev/null && command -v docker-compose >/dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
    echo 'installing docker.io, docker-compose and debootstrap with apt-get'
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends docker.io docker-compose debootstrap iptables; } \
        >"$world/apt.log" 2>&1 || tail -n 5 "$world/apt.log"
}

# An engine that answers, or one of our own.
start_engine() {
    if docker info >/dev/null 2>&1 && command -v docker-compose >/dev/null; then return; fi
    get_engine
    command -v dockerd >/dev/null || skip 'a Docker engine (Debian: docker.io), none answers and there is no dockerd'
    [ "$(id -u)" = 0 ] || skip 'a Docker engine, none answers and only root can start one'
    export DOCKER_HOST=unix://$world/docker.sock
    # The client that came with the engine: another one on PATH may lack its builder.
    PATH="$(dirname "$(command -v docker-compose || echo /usr/bin/docker-compose)"):$PATH"
    iptables-save >"$world/iptables" 2>/dev/null || true
    dockerd --data-root "$world/data" --exec-root "$world/exec" --host "$DOCKER_HOST" --pidfile "$world/pid" \
        >"$world/dockerd.log" 2>&1 &
    engine=$!
    local tried
    for tried in {1..60}; do
        if docker info >/dev/null 2>&1; then return; fi
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.5
    done
    tail -n 5 "$world/dockerd.log"
    skip 'a Docker engine; dockerd does not start here, see above'
}

# base <image> <function>: pulls it, or makes a stand-in.
base() {
    docker image inspect "$1" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$1" >/dev/null 2>&1 || {
        echo "standing in for $1"
        "$2" "$1"
    }
}

debian() {
    # Kept with the build: making it takes minutes.
    local root=$tools/images/debian.tar
    if [ ! -s "$root" ]; then
        command -v debootstrap >/dev/null || skip 'debian:12-slim, or debootstrap to make it'
        mkdir -p "$tools/images"
        debootstrap --variant=minbase --include=ca-certificates,git,openssh-client bookworm "$world/debian" >"$world/debootstrap.log" ||
            { tail -n 5 "$world/debootstrap.log"; skip 'debian:12-slim; debootstrap cannot make it, see above'; }
        rm -rf "$world"/debian/var/cache/apt/archives/*.deb "$world"/debian/var/lib/apt/lists/*
        tar -C "$world/debian" -cf "$root.new" . && mv "$root.new" "$root"
        rm -rf "$world/debian"
    fi
    docker import "$root" "$1" >/dev/null
}

nats() {
    local server
    server=$(PATH="$tools/bin:$PATH" command -v nats-server) || skip "$1, or nats-server (cargo xtask setup)"
    mkdir -p "$world/nats"
    cp "$server" "$world/nats/nats-server"
    build "$1" tests/deploy/standins/nats.Dockerfile "$world/nats"
}

postgres() {
    build "$1" tests/deploy/standins/postgres.Dockerfile tests/deploy/standins
}

# build <image> <Dockerfile> <context> [option…]: packages come by the network of this machine.
build() {
    local image=$1 file=$2 context=$3
    shift 3
    DOCKER_BUILDKIT=1 docker build --quiet --network host --tag "$image" --file "$file" "$@" "$context" >"$world/build.log" 2>&1 ||
        { cat "$world/build.log"; echo "$image cannot be built"; exit 1; }
}

# The image of deploy/Dockerfile around the binary that the other tests use.
build_image() {
    if [ -z "${TOWPATH_BIN:-}" ]; then
        cargo build --quiet -p towpath
        TOWPATH_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/towpath
    fi
    mkdir -p "$world/binary/out"
    strip -o "$world/binary/out/towpath" "$TOWPATH_BIN"
    tar -C "$world/binary" -c out | docker import - towpath-binary:accept >/dev/null
    export TOWPATH_IMAGE=towpath/towpath:accept
    build "$TOWPATH_IMAGE" deploy/Dockerfile . --build-arg BINARY=towpath-binary:accept
    [ "$(docker image inspect --format '{{.Config.User}}' "$TOWPATH_IMAGE")" = 10001:10001 ] || { echo 'the image runs as root'; exit 1; }
}

# Whether everything that stays up is healthy, and everything that runs once has ended well.
settled() {
    local id line
    while read -r id; do
        line=$(docker inspect --format '{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id")
        case $line in
        *' exited 0 '*) ;;
        *' running 0 healthy') ;;
        *) echo "$line"; return 1 ;;
        esac
    done < <(docker ps --all --quiet --filter "label=com.docker.compose.project=$project")
}

# check <file> <service>: up, healthy, the demo, down.
check() {
    local file=$1 front=$2 began=$SECONDS
    shown+=("$file")
    compose "$file" up --detach --no-build >"$world/up.log" 2>&1 || { cat "$world/up.log"; compose "$file" logs --tail 20; return 1; }
    until settled >"$world/settled"; do
        if [ $((SECONDS - began)) -gt $limit ]; then
            cat "$world/settled"
            compose "$file" logs --tail 20
            echo "$file is not healthy after $limit s"
            return 1
        fi
        sleep 1
    done
    echo "$file is healthy after $((SECONDS - began)) s"
    ask() { compose "$file" exec -T "$front" towpath --server https://localhost:7070 --ca /etc/towpath/tls/ca.crt "$@"; }
    ask demo --dir /srv/towpath >"$world/demo.log" 2>&1 || { cat "$world/demo.log"; return 1; }
    local said there
    said=$(sed -n 's/^commit  *//p' "$world/demo.log")
    there=$(compose "$file" exec -T "$front" git -C /srv/towpath/manifests.git rev-parse main | tr -d '\r')
    [ -n "$said" ] && [ "$said" = "$there" ] || { echo "the demo wrote '$said', the repository holds '$there'"; return 1; }
    # A second start keeps everything.
    compose "$file" restart --timeout 10 "$front" >/dev/null 2>&1
    began=$SECONDS
    until settled >"$world/settled"; do
        [ $((SECONDS - began)) -le $limit ] || { cat "$world/settled"; echo "$front does not come back"; return 1; }
        sleep 1
    done
    ask environments list >"$world/environments.log" 2>&1
    grep -q '1\.2\.0' "$world/environments.log" || { cat "$world/environments.log"; echo 'a restart lost the state'; return 1; }
    compose "$file" down --volumes --timeout 10 >/dev/null 2>&1
}

start_engine
command -v docker-compose >/dev/null || skip 'docker-compose'
export TOWPATH_PORT=$((30000 + RANDOM % 2700))
base debian:12-slim debian
build_image
for file in "$@"; do
    case $file in
    all-in-one) front=towpath ;;
    split)
        front=cd-manager
        base nats:2.15-alpine nats
        base postgres:16 postgres
        ;;
    *) echo "there is no deploy/compose/$file.yaml" >&2; exit 2 ;;
    esac
    if check "$file" "$front"; then echo "PASS compose $file"; else echo "FAIL compose $file"; failed=1; fi
done
exit $failed
