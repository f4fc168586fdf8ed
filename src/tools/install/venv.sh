#!/usr/bin/env bash
# Makes a Python virtual environment, anew if there is one. Messages go to stderr.
#
#   src/tools/install/venv.sh FOLDER
set -euo pipefail

[[ $# -eq 1 ]] || { echo "usage: src/tools/install/venv.sh FOLDER" >&2; exit 2; }
folder=$1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

fail() { echo "$1" >&2; exit 1; }

# `python3 -m venv` exists on Debian without the part that fills the environment with pip (package python3-venv).
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    "$root/src/tools/install/apt.sh" "python3 cannot make virtual environments, which hold what is installed under target/" python3-venv
fi

rm -rf "$folder"
python3 -m venv "$folder" >&2 || fail "python3 -m venv could not make $folder"
