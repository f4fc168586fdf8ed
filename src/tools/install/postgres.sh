#!/usr/bin/env bash
# Makes sure that PostgreSQL's server programs are there, which the upstream's tests start for themselves.
#
#   src/tools/install/postgres.sh
#
# In this order: BRAMA_TEST_DATABASE_URL, a server that is used as it is; `initdb` and `postgres` in one folder of PATH, or
# where Debian puts them; Debian's package. The tests look in the same places (tests/src/postgres.rs).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

[[ -n ${BRAMA_TEST_DATABASE_URL:-} ]] && exit 0

found() {
    local folder folders
    IFS=: read -ra folders <<<"$PATH"
    for folder in "${folders[@]}" /usr/lib/postgresql/*/bin; do
        [[ -x $folder/initdb && -x $folder/postgres ]] && return 0
    done
    return 1
}

found && exit 0

"$root/src/tools/install/apt.sh" "PostgreSQL's server is missing, which the tests start for themselves (the package starts one of its own as well)" postgresql \
    || { echo "or set BRAMA_TEST_DATABASE_URL to a server that the tests may use" >&2; exit 1; }
found || { echo "the package postgresql brought no initdb and postgres to /usr/lib/postgresql/*/bin" >&2; exit 1; }
