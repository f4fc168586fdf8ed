#!/usr/bin/env bash
# Changes the code in one place after the other, and says of which change no test has told.
#
#   src/tools/mutants.sh [FILE...]
#
# Without files, those that decide: the core's, and the life of a request in the plugin. The report stays in target/mutants.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
mutants=$(src/tools/crate.sh cargo-mutants)

if [[ $# -eq 0 ]]; then
    set -- src/policy/src/{credential,decision,exchange,exchange/judge,path,router,scope,target,target/query,template}.rs src/filter/src/session.rs
fi
files=()
for file in "$@"; do
    files+=(--file "$file")
done

# The tests that know the decision; those that need Envoy would take a minute for each change.
mkdir -p target/mutants
exec "$mutants" mutants --package brama-policy --package brama-filter --features brama-policy/cel \
    --test-package brama-policy,brama-replay,brama-filter,brama-fuzz "${files[@]}" --output target/mutants --no-shuffle --jobs 2
