#!/usr/bin/env bash
# Builds the plugin and puts it at FILE, which stays untouched when nothing changed.
#
#   src/tools/build/plugin.sh FILE [CARGO_BUILD_ARGUMENT...]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
file=$(realpath -m -- "$1")
shift
cd "$root"

# Cargo says where the result is; which of the two toolchains built it is none of our business.
built=$(src/tools/build/wasm.sh wasm32-wasip1 build -p brama-filter --release "$@" --message-format=json-render-diagnostics \
    | sed -n 's/.*"\([^"]*\/brama_filter\.wasm\)".*/\1/p' | tail -n 1)
[[ -n $built ]] || { echo "the crate brama-filter built no brama_filter.wasm: is its crate-type cdylib?" >&2; exit 1; }

# A running stack and a running test compare by content or by time; an equal file must look equal both ways.
cmp -s "$built" "$file" && exit 0
# By rename: an Envoy that starts meanwhile reads the old file or the new one, never half.
cp "$built" "$file.$$"
mv "$file.$$" "$file"
