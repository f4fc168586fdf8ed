#!/usr/bin/env bash
# Makes sure that a Rust toolchain is on PATH, new enough, and a C compiler beside it. Installs none: which one, and where,
# is its owner's choice.
#
#   src/tools/install/rust.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
. "$root/src/tools/install/debian.sh"

needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
home=${CARGO_HOME:-${HOME:-}/.cargo}

ways() {
    echo "Brama is built with Rust $needed or newer, which is not installed for you. Two ways to get it:"
    echo "  rustup, from https://rustup.rs, and then: rustup target add wasm32-wasip1"
    echo "  Debian's packages: apt-get install ${debian_packages[*]}"
}

for program in cargo rustc; do
    if ! command -v "$program" >/dev/null; then
        echo "$program is not on PATH."
        if [[ -x $home/bin/$program ]]; then
            echo "It is in $home/bin: run \`export PATH=\"$home/bin:\$PATH\"\`, and \`make\` again."
        else
            ways
        fi
        exit 1
    fi >&2
done

command -v cc >/dev/null || {
    echo "cc is not on PATH: Rust links with a C compiler. On Debian: apt-get install gcc libc6-dev"
    exit 1
} >&2

# What rustup says when it has no toolchain tells more than we could.
version=$(rustc --version) || { echo "rustc does not run" >&2; exit 1; }
version=${version#rustc }
version=${version%%[ -]*}
if [[ $(printf '%s\n' "$needed" "$version" | sort -V | head -n 1) != "$needed" ]]; then
    { echo "the rustc on PATH is $version, which is too old."; ways; } >&2
    exit 1
fi
