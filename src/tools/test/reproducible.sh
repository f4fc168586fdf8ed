#!/usr/bin/env bash
# Builds the plugin from a copy of the project in another folder, and fails unless both are the same to the last bit.
#
#   src/tools/test/reproducible.sh FILE
set -euo pipefail

[[ $# -eq 1 && -f $1 ]] || { echo "usage: src/tools/test/reproducible.sh FILE, with the plugin that was built here" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
file=$(realpath -- "$1")

copy=$(mktemp -d --suffix=-brama-in-another-folder)
trap 'rm -rf "$copy"' EXIT
cd "$root"
# What is tracked, as it is now: nothing that was built or left lying about.
git ls-files -z | xargs -0 cp --parents --target-directory "$copy"

"$copy/src/tools/build/plugin.sh" "$copy/brama_filter.wasm"
sha256sum "$file" "$copy/brama_filter.wasm"
cmp "$file" "$copy/brama_filter.wasm"
