#!/usr/bin/env bash
# Prints the folder of a Python virtual environment that has these packages, after making it where there is none. Messages
# go to stderr.
#
#   src/tools/install/packages.sh PACKAGE==VERSION...
set -euo pipefail

[[ $# -ge 1 ]] || { echo "usage: src/tools/install/packages.sh PACKAGE==VERSION..." >&2; exit 2; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
tools=$root/target/tools
# One environment for each set of versions: an update neither breaks a test that is running nor waits for it.
home=$tools/$(IFS=-; sed 's/==/-/g' <<<"$*")

fail() { echo "$1" >&2; exit 1; }

# Written last, so that an interrupted installation never looks like an environment. (It cannot be made under another name
# and renamed, as a wheel's program is: the interpreter has to stay where it was made.)
installed() { [[ -f $home/complete ]] && printf '%s\n' "$home"; }

installed && exit 0

command -v python3 >/dev/null || fail "python3 is missing: it is needed to install $*"
mkdir -p "$tools"
# Two `make` side by side must not fill the same folder; the second finds the first one's work.
if command -v flock >/dev/null; then
    exec 9>"$tools/.lock"
    flock 9
    installed && exit 0
fi

"$root/src/tools/install/venv.sh" "$home"
"$root/src/tools/install/progress.sh" "installing $* into target/tools" \
    "$home/bin/python3" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$@" \
    || fail "pip could not install $*: is there a wheel for this machine, and a way to the package index?"
touch "$home/complete"
installed
