#!/usr/bin/env bash
# Tests the composed stack: as it is shipped, and then by the end-to-end suite (tests/src/composed.rs).
#
#   src/tools/test/docker-test.sh E2E    E2E: the suite's program
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
export COMPOSE_PROJECT_NAME=brama-test PORT=${PORT:-18080} PROJECT=$root E2E=$1
shipped=("$root/src/tools/build/docker.sh" compose)
tested=(env COMPOSE_FILES="$root/envoy/compose.test.yaml" "$root/src/tools/build/docker.sh" compose)

# The policy that is shipped, whatever the caller was told; `make` is asked by other words than the caller's.
unset POLICY PUBLISH MAKEFLAGS MAKEOVERRIDES

main() {
    trap 'status=$?; ((status == 0)) || logs; "${tested[@]}" down --volumes --timeout 5 >/dev/null 2>&1; exit $status' EXIT
    as_shipped
    suite
}

logs() {
    "${tested[@]}" logs --tail 5 >&2 || true
}

as_shipped() {
    echo "== the composed stack, as shipped"
    "$root/src/tools/build/docker.sh" policy >/dev/null
    "$root/src/tools/install/progress.sh" "starting the composed stack" "${shipped[@]}" up --detach
    "$root/src/tools/build/docker.sh" wait
    published_here_only
    other_policy
    confined
    local connection=api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352
    local division=api/admin/contract_divisions/b075f148-7f93-4fc2-b2ec-2d81b19a9b7b
    answers 401 DELETE $connection -H 'api-key: uXhEczJ56adsfh3Ri9SUkc4en'
    answers 200 DELETE $connection -H 'api-key: uXhEczJ56adsfh3Ri9SUkc4en' -H 'Authorization: Bearer c2778f3064753ea70de870a53795f5c9'
    docker kill "$("${shipped[@]}" ps -q upstream-1)" >/dev/null
    # A lookup that meets the dead one is answered 503; after two it is left alone, for a second at first.
    answers '503*200' DELETE $division -H 'api-key: c2778f3064753ea70de870a53795f5c9' -H 'Authorization: Bearer 0d7b3a5e9c1f4826b4d0a6e2f8c3957e'
    in_a_row 20 404 DELETE $division -H 'api-key: c2778f3064753ea70de870a53795f5c9' -H 'Authorization: Bearer 0d7b3a5e9c1f4826b4d0a6e2f8c3957e'
    "${shipped[@]}" down --volumes --timeout 5 >/dev/null 2>&1
}

# The demonstration's tokens are known to everybody.
published_here_only() {
    local addresses
    addresses=$(docker inspect -f '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}' "$("${shipped[@]}" ps -q gateway)")
    [[ $addresses == "127.0.0.1 " ]] || { echo "the gateway's port is published on $addresses" >&2; exit 1; }
}

# A policy from anywhere, by its path from where the caller is, is put in force; and the shipped one again.
other_policy() (
    local elsewhere
    elsewhere=$(mktemp -d)
    trap 'rm -rf "$elsewhere"' EXIT
    sed 's#/readyz#/ready-elsewhere#' "$root/policies/ehealth.yaml" >"$elsewhere/of my own.yaml"
    chmod 600 "$elsewhere/of my own.yaml"
    (cd "$elsewhere" && put_in_force POLICY="of my own.yaml")
    answers '200*403' GET readyz
    put_in_force
    answers '403*200' GET readyz
)

put_in_force() {
    "$root/src/tools/install/progress.sh" "putting a policy in force" make -C "$root" docker-policy "$@"
}

# answers STATUS METHOD PATH CURL-ARGUMENT...    `503*STATUS`: after a few 503, if any.
answers() {
    local status tries=5
    # A policy takes the gateway a moment.
    [[ $1 == 503* ]] || tries=50
    for ((; tries > 0; tries--)); do
        status=$(status_of "${@:2}")
        [[ $1 == "$status"\** ]] || break
        sleep 0.2
    done
    [[ $status == "${1#*\*}" ]] || { echo "$2 /$3: $status instead of $1" >&2; exit 1; }
}

# in_a_row COUNT STATUS METHOD PATH CURL-ARGUMENT...    A few 503 may come before, and between where the machine is slow: a
# replica that is left alone is asked again. Where the dead one was asked each second time, twenty would not come in a row.
in_a_row() {
    local row=0 tries status
    for ((tries = 10 * $1; tries > 0 && row < $1; tries--)); do
        status=$(status_of "${@:3}")
        case $status in
        "$2") row=$((row + 1)) ;;
        503) row=0 ;;
        *) break ;;
        esac
    done
    ((row == $1)) || { echo "$3 /$4: $status, and no $1 times $2 in a row" >&2; exit 1; }
}

# status_of METHOD PATH CURL-ARGUMENT...
status_of() {
    curl -s -m 5 -o /dev/null -w '%{http_code}' -X "$1" "http://127.0.0.1:$PORT/$2" "${@:3}" || true
}

# No root, nothing to write to but what is mounted, no capability, no way in but the gateway's port.
confined() {
    local container name settings
    for container in $("${shipped[@]}" ps -q); do
        name=$(docker inspect -f '{{.Name}}' "$container")
        settings=$(docker inspect -f '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{len .HostConfig.PortBindings}}' "$container")
        local ports=0
        [[ $name != *_gateway_* && $name != *-gateway-* ]] || ports=1
        [[ $settings == "65532:65532 true [ALL] [no-new-privileges:true] $ports" ]] \
            || { echo "$name is not confined: $settings" >&2; exit 1; }
    done
}

suite() {
    echo "== the composed stack, end to end"
    local all skip=() pattern
    all=$("$E2E" --list --format terse | sed -n 's/: test$//p')
    while read -r pattern _; do
        [[ -n $pattern && $pattern != '#' ]] || continue
        grep -q "^$pattern" <<<"$all" || { echo "tests/e2e/not_composed.txt: no test is called $pattern" >&2; exit 1; }
        skip+=(--skip "$pattern")
    done <"$root/tests/e2e/not_composed.txt"
    "${tested[@]}" up --detach gateway >/dev/null 2>&1
    "${tested[@]}" run --rm --no-deps -T tests --test-threads=1 "${skip[@]}" "${TESTS[@]}"
    echo "left out: $(("$(wc -l <<<"$all")" - $("$E2E" --list --format terse "${skip[@]}" | grep -c ': test$'))) of $(wc -l <<<"$all"); see tests/e2e/not_composed.txt"
}

read -ra TESTS <<<"${TESTS:-}"
main
