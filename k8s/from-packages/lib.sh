#!/bin/bash
# Sourced by the scripts beside it: where things are, and the few things they share.
# Everything they make is kept in PODBT_CACHE; the driver (k8s/local) sets it, and DOCKER_HOST.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${PODBT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podbt}
mkdir -p "$CACHE/bin" "$CACHE/logs"
export PATH=$CACHE/bin:$PATH

say() { echo "${0##*/}: $*" >&2; }
fail() { say "$*"; exit 1; }

# hash_of PATH...: one short hash of these files' names and contents.
hash_of() { (cd "$HERE" && find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12); }

# module FORMAT MODULE: what Go knows of a module that go.mod requires, fetching its files for {{.Dir}}.
module() {
  [ "$1" != '{{.Dir}}' ] || (cd "$HERE" && go mod download "$2") >&2
  (cd "$HERE" && go list -m -f "$1" "$2")
}

image_exists() { docker image inspect "$1" >/dev/null 2>&1; }

# build NAME FOLDER [ARG...]: plain docker build.
build() {
  local name=$1 folder=$2
  shift 2
  docker build -t "$name" "$@" "$folder" >&2 || fail "docker build $name failed"
}
