#!/usr/bin/env bash
# Has libFuzzer make inputs up, each kind for a while, and says for each how many were tried.
#
#   SECONDS_EACH=60 src/tools/test/fuzz.sh [KIND...]
#
# An input that breaks a law stays in target/fuzz/artifacts, and its path is shown. What was found on the way stays in
# target/fuzz/corpus; with KEEP=1 the few that together reach all the code that was reached are packed into src/fuzz/corpus
# (src/tools/test/fuzz-inputs.sh), beside those that were written by hand.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
cd "$root"
fuzz=$(src/tools/install/crate.sh cargo-fuzz)
work=target/fuzz
# What src/fuzz/corpus has packed.
inputs=$work/inputs
triple=$(rustc -vV | sed -n 's/^host: //p')

targets=("$@")
rm -rf "$inputs"
src/tools/test/fuzz-inputs.sh unpack "$inputs" "${targets[@]}"
[[ $# -gt 0 ]] || mapfile -t targets < <(cd "$inputs" && printf '%s\n' *)

echo "== building the fuzzed programs" >&2
# No sanitizer: the code has no `unsafe`, and without one the usual compiler will do. Overflow is checked all the same.
# Not linked into one as the plugin is: twelve programs would take minutes.
export CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
"$fuzz" build --fuzz-dir src/fuzz --target-dir "$work" --sanitizer none --features libfuzzer >&2

keep() {
    local target=$1 program=$2 kept=$work/kept/$1
    rm -rf "$kept" && mkdir -p "$kept"
    "$program" -set_cover_merge=1 -use_counters=0 -max_len=4096 "$kept" "$inputs/$target" "$work/corpus/$target" >>"$work/$target.log" 2>&1
    find "$inputs/$target" -type f ! -name 'written-*' -delete
    cp "$kept"/* "$inputs/$target/"
    src/tools/test/fuzz-inputs.sh pack "$inputs" "$target"
}

mkdir -p "$work/artifacts"
for target in "${targets[@]}"; do
    program=$work/$triple/release/$target
    mkdir -p "$work/corpus/$target"
    log=$work/$target.log
    if ! "$program" -max_total_time="${SECONDS_EACH:-60}" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$work/artifacts/$target-" "$work/corpus/$target" "$inputs/$target" >"$log" 2>&1; then
        tail -n 40 "$log"
        echo "$target: a law is broken" >&2
        exit 1
    fi
    tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "$target: $tried inputs tried, $edges edges of code reached, no law broken"
    [[ -z ${KEEP:-} ]] || keep "$target" "$program"
done
