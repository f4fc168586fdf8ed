#!/usr/bin/env bash
# Asks a running upstream what its OpenAPI documents allow and what they do not, a thousand ways, and holds its answers
# against them. Schemathesis does it, after it was installed where there is none. Messages go to stderr.
#
#   SEED      which requests are made, 1 if nobody says otherwise
#   EXAMPLES  how many requests of each kind and path are made at random, 100 if nobody says otherwise
#
# In this order: the SCHEMATHESIS variable, a virtual environment of the version the project is tested with.
set -euo pipefail

version=4.32.5

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
upstream=$root/target/debug/brama-upstream

fail() { echo "$1" >&2; exit 1; }

# Whoever names a program means that one: a wrong name is a mistake to report, not to work round.
if [[ -n ${SCHEMATHESIS:-} ]]; then
    schemathesis=("$(command -v -- "$SCHEMATHESIS")") || fail "SCHEMATHESIS is \`$SCHEMATHESIS\`, which is no program"
else
    home=$("$root/src/tools/install/packages.sh" "schemathesis==$version")
    # Not by its own first line, which names the folder that it was installed in: the checkout may have been moved.
    schemathesis=("$home/bin/python3" "$home/bin/schemathesis")
fi

folder=$(mktemp -d)
service=
cleanup() {
    [[ -z $service ]] || kill "$service" 2>/dev/null || true
    [[ -z $service ]] || wait "$service" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
# Schemathesis leaves what it remembers in the folder that it runs in.
cd "$folder"

export DATABASE_URL=sqlite://$folder/brama.db
"$upstream" seed "$root/src/upstream/fixtures/demo.json" >&2
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
env -u BRAMA_LOG PUBLIC_LISTEN=tcp:127.0.0.1:0 INTERNAL_LISTEN=tcp:127.0.0.1:0 BRAMA_AUTHORITY_SECRET="$secret" \
    BRAMA_LOG_FORMAT=json "$upstream" serve 2>log &
service=$!

# The address of a listener, from the line that tells them.
address() { sed -n "s/.*\"message\":\"serving\".*\"$1\":\"tcp:\([^\"]*\)\".*/\1/p" log; }
for _ in $(seq 100); do
    [[ -n $(address internal) ]] && break
    kill -0 "$service" 2>/dev/null || break
    sleep 0.1
done
[[ -n $(address internal) ]] || fail "the upstream did not start: $(cat log)"

# ask LISTENER HEADER [OPTION..]
ask() {
    local listener=$1 header=$2
    shift 2
    "$upstream" openapi "$listener" >"$listener.json"
    "${schemathesis[@]}" run "$listener.json" --url "http://$(address "$listener")" --header "$header" --seed "${SEED:-1}" \
        --max-examples "${EXAMPLES:-100}" --request-timeout 30 "$@"
}

ask public 'x-consumer-id: 05e20000-0000-4000-8000-0000000000ff'
# What OpenAPI cannot say is refused although the document allows it: `from` together with `after`, and an integer that is
# written as 1.0.
ask internal "Authorization: Bearer $secret" --exclude-checks positive_data_acceptance
if grep -F -e "$secret" -e panicked log; then
    fail "the log tells of a secret or a panic"
fi
