#!/usr/bin/env bash
# The Helm chart: rendered and linted by real Helm, every object checked against the schemas of
# Kubernetes, every container's arguments and configuration accepted by the program, wrong values
# refused. tests/deploy says what each rendering has to keep and plants a fault for each of it.
#
# Needs helm (cargo xtask setup --ci), python3 with venv, and pip's index for two packages.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
    printf 'SKIPPED chart: needs %s\n' "$1"
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}

tools=$PWD/target/tools
PATH="$tools/bin:$PATH"
export HELM=${HELM:-$(command -v helm || true)}
[ -x "$HELM" ] || { cargo xtask setup --ci >/dev/null && HELM=$(command -v helm) || skip helm; }

# One environment for Python, made anew when what it holds changes.
want=$(sha256sum <tests/deploy/requirements.txt)
if [ "$(cat "$tools/chart/wanted" 2>/dev/null)" != "$want" ]; then
    rm -rf "$tools/chart"
    python3 -m venv "$tools/chart" >/dev/null || skip 'python3 with venv'
    "$tools/chart/bin/pip" install --quiet --disable-pip-version-check -r tests/deploy/requirements.txt ||
        skip 'the packages of tests/deploy/requirements.txt'
    printf '%s' "$want" >"$tools/chart/wanted"
fi

if [ -z "${TOWPATH_BIN:-}" ]; then
    cargo build --quiet -p towpath
    TOWPATH_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/towpath
fi
export TOWPATH_BIN

cd tests/deploy
PYTHONDONTWRITEBYTECODE=1 "$tools/chart/bin/python" -m unittest
