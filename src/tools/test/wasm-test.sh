#!/usr/bin/env bash
# Runs tests as Wasm under Node, as the decision runs in production: 32-bit, and without a system.
#
#   src/tools/test/wasm-test.sh -p PACKAGE [CARGO_TEST_ARGUMENT...]
#
# Installs the test runner and, where there is none, Node, both under target/tools.
set -euo pipefail

[[ ${1:-} == -p && $# -ge 2 ]] || { echo "usage: src/tools/test/wasm-test.sh -p PACKAGE [CARGO_TEST_ARGUMENT...]" >&2; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
cd "$root"
tools=$root/target/tools

# The runner must be of the very version of the library that is compiled into the tests.
version=$(awk '$1 == "name" { name = $3 } $1 == "version" && name == "\"wasm-bindgen\"" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock)
[[ -n $version ]] || { echo "Cargo.lock names no version of wasm-bindgen, so there are no Wasm tests to run" >&2; exit 1; }

runner=$tools/wasm-bindgen-$version/bin/wasm-bindgen-test-runner
if [[ ! -x $runner ]]; then
    echo "installing the Wasm test runner (wasm-bindgen-cli $version) into target/tools; this takes minutes" >&2
    quiet=()
    [[ -z ${CI:-} ]] || quiet=(--quiet)
    # Not --locked: the lock file inside the package names versions that newer compilers warn about or refuse.
    # Cargo itself keeps two installations into one folder from mixing. Not optimised, which is built sooner.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install wasm-bindgen-cli --version "$version" --bin wasm-bindgen-test-runner --debug \
        --root "$tools/wasm-bindgen-$version" --target-dir "$tools/build" "${quiet[@]}"
    rm -rf "$tools/build"
fi

node=$(src/tools/install/node.sh)
PATH=$(dirname "$node"):$PATH
export PATH

export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$runner
exec src/tools/build/wasm.sh wasm32-unknown-unknown test "$@"
