#!/usr/bin/env bash
# Runs a command that is silent for long, or says too much, and shows that it works: how long so far, and its last line.
#
#   src/tools/install/progress.sh WHAT COMMAND [ARGUMENT...]
#
# On a terminal one line that is written anew each second; elsewhere a line each half minute (PROGRESS_EVERY seconds); in CI
# nothing. What the command writes stays hidden unless it fails: then its last lines are shown. All of it goes to stderr.
set -euo pipefail

[[ $# -ge 2 ]] || { echo "usage: src/tools/install/progress.sh WHAT COMMAND [ARGUMENT...]" >&2; exit 2; }
what=$1
shift

log=$(mktemp)
ticker=
finish() {
    # It may have ended by itself.
    [[ -z $ticker ]] || { kill "$ticker" && wait "$ticker"; } 2>/dev/null || true
    rm -f "$log"
}
trap finish EXIT

# Ends with this script, however that ends.
tick() {
    local every=${PROGRESS_EVERY:-30} last
    [[ ! -t 2 ]] || every=1
    # Waits without a program of its own, which would outlive this one and hold what it has open.
    exec {never}<> <(:)
    while read -r -t "$every" -u "$never" || kill -0 $$ 2>/dev/null; do
        last=$(tail -n 1 "$log" | tr '\r\t' '  ')
        if [[ -t 2 ]]; then
            printf '\r\e[K   %s, %d s: %.60s' "$what" "$SECONDS" "$last" >&2
        else
            printf '   %s, %d s: %.100s\n' "$what" "$SECONDS" "$last" >&2
        fi
    done
}

echo "$what" >&2
if [[ -z ${CI:-} ]]; then
    # Apart from our own output, so that nobody who reads it waits for the ticker's end.
    tick >/dev/null &
    ticker=$!
fi
# In front, so that Ctrl-C reaches it.
status=0
"$@" >"$log" 2>&1 || status=$?
[[ ! -t 2 || -n ${CI:-} ]] || printf '\r\e[K' >&2
if [[ $status -ne 0 ]]; then
    tail -n 20 "$log" >&2
    echo "$what: failed after $SECONDS s" >&2
elif ((SECONDS >= 5)); then
    echo "$what: done after $SECONDS s" >&2
fi
exit "$status"
