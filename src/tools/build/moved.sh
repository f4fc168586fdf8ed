#!/usr/bin/env bash
# Has everything of this project compiled anew where it was compiled in another folder: tests name the folder that they were
# compiled in, and would read the files there.
#
#   src/tools/build/moved.sh
#
# Cargo takes what it finds in a copied or moved `target` as it is. What the project depends on may stay.
set -euo pipefail

# Where it really is: by a link to it nothing has moved.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
compiled_in=$root/target/compiled_in

if [[ -f $compiled_in && $(<"$compiled_in") != "$root" ]]; then
    echo "the checkout was in $(<"$compiled_in") before; its own parts are compiled anew" >&2
    find "$root/src" "$root/tests" -name '*.rs' -exec touch {} +
fi
mkdir -p "$root/target"
printf '%s\n' "$root" >"$compiled_in"
