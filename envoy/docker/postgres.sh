#!/bin/bash
# Starts PostgreSQL for the composed stack; makes its data first, if there are none.
#
#   POSTGRES_PASSWORD   of the user and owner `brama`, who is asked for it on every way in
set -euo pipefail

data=/var/lib/brama/data
bin=/usr/lib/postgresql/bin

if [[ ! -s $data/PG_VERSION ]]; then
    # Made elsewhere and then moved, so that a start that is interrupted leaves nothing half-made.
    rm -rf "$data.new"
    "$bin/initdb" -D "$data.new" -U brama -A scram-sha-256 -E UTF8 --locale=C --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:?}") >/dev/null
    echo 'host all all all scram-sha-256' >>"$data.new/pg_hba.conf"
    mv "$data.new" "$data"
fi
# Not in the environment of its processes.
unset POSTGRES_PASSWORD
exec "$bin/postgres" -D "$data" -k /run/postgresql -c listen_addresses='*'
