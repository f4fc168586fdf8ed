#!/usr/bin/env bash
# Changes the code in one place after the other, and says of which change no test has told.
#
#   src/tools/test/mutants.sh [FILE...]
#
# Without files, those that decide: the core's, and the life of a request in the engine. Only files of the core and of the
# engine are tried. The report stays in target/mutants.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
cd "$root"
mutants=$(src/tools/install/crate.sh cargo-mutants)

if [[ $# -eq 0 ]]; then
    set -- src/policy/src/{deciding/{decision,exchange,exchange/judge,exchange/present,header_table,header_table/seen,presentation,router,target,target/query},identity/{credential,scope},path,template}.rs src/engine/src/session.rs
fi
for file in "$@"; do
    [[ $file == src/policy/* || $file == src/engine/* ]] || { echo "$file: only files of src/policy and src/engine are tried" >&2; exit 2; }
done
# The tests that know the file; those that need Envoy would take a minute for each change.
try() {
    local package=$1 tests=$2 file files=()
    shift 2
    for file in "$@"; do
        [[ $file == src/${package#brama-}/* ]] && files+=(--file "$file")
    done
    [[ ${#files[@]} -gt 0 ]] || return 0
    echo "== changes of $package, tried with the tests of $tests"
    "$mutants" mutants --package "$package" --features "$package/cel" --test-package "$tests" "${files[@]}" \
        --output "target/mutants/$package" --no-shuffle --jobs 2 || survived=1
}

mkdir -p target/mutants
survived=0
try brama-engine brama-engine,brama-fuzz "$@"
try brama-policy brama-policy,brama-replay "$@"
exit "$survived"
