#!/usr/bin/env bash
# Prints the path of a Python that has Authlib, after installing it where there is none. Messages go to stderr.
#
# Authlib is an OAuth 2 server of another project's: the end-to-end tests have it issue tokens, answer introspections and
# publish keys. In this order: the AUTHLIB variable, a virtual environment of the versions the project is tested with.
set -euo pipefail

# With what Authlib signs with, and what serves it.
packages=(authlib==1.9.10 joserfc==1.8.0 flask==3.1.3 waitress==3.0.2)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

fail() { echo "$1" >&2; exit 1; }

# Whoever names a Python means that one: a wrong name is a mistake to report, not to work round.
if [[ -n ${AUTHLIB:-} ]]; then
    found=$(command -v -- "$AUTHLIB") || fail "AUTHLIB is \`$AUTHLIB\`, which is no program"
    "$found" -c 'import authlib, flask, joserfc, waitress' || fail "AUTHLIB is \`$AUTHLIB\`, which lacks ${packages[*]}"
    # Not resolved further: the interpreter of a virtual environment is a link, and is told by its place.
    printf '%s\n' "$(cd "$(dirname "$found")" && pwd)/$(basename "$found")"
    exit 0
fi

home=$("$root/src/tools/install/packages.sh" "${packages[@]}")
printf '%s\n' "$home/bin/python3"
