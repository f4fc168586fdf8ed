#!/usr/bin/env bash
# Runs a Wasm program of wasm32-wasip1 under Node: what Cargo is given as that target's runner.
#
#   src/tools/test/wasi.sh FILE.wasm [ARGUMENT...]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
node=$("$root/src/tools/install/node.sh")
# Single-threaded: with its compiling threads, some versions of Node crash at the end of a program that has grown large.
exec "$node" --no-warnings --single-threaded "$root/src/tools/test/wasi.mjs" "$@"
