#!/usr/bin/env bash
# Prints the path of a command of cargo's, after building it from its crate where it is missing.
#
#   src/tools/install/crate.sh CRATE
#
# The versions are pinned here, and each crate's own lock file pins the rest. Messages go to stderr.
set -euo pipefail

declare -A versions=(
    [cargo-cyclonedx]=0.5.9
    [cargo-deny]=0.20.2
    [cargo-fuzz]=0.13.2
    [cargo-mutants]=27.1.0
)
[[ $# -eq 1 && -n ${versions[$1]:-} ]] || { echo "usage: src/tools/install/crate.sh ${!versions[*]}" >&2; exit 2; }
crate=$1 version=${versions[$1]}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
home=$root/target/tools/$crate-$version
program=$home/bin/$crate

if [[ ! -x $program ]]; then
    echo "building $crate $version into target/tools; this takes minutes" >&2
    quiet=()
    [[ -z ${CI:-} ]] || quiet=(--quiet)
    # Not optimised: they call compilers, or read a lock file, and are built in a third of the time.
    CARGO_TARGET_DIR=$root/target/tools/build CARGO_PROFILE_DEV_DEBUG=0 \
        cargo install "${quiet[@]}" --locked --debug --root "$home" "$crate@$version" >&2
    rm -rf "$root/target/tools/build"
fi
printf '%s\n' "$program"
