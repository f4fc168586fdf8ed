#!/usr/bin/env bash
# Prints the path of a Python that has Authlib, after installing it where there is none. Messages go to stderr.
#
# Authlib is an OAuth 2 server of another project's: the end-to-end tests have it issue tokens, answer introspections and
# publish keys. In this order: the AUTHLIB variable, a virtual environment of the versions the project is tested with.
set -euo pipefail

# What Authlib signs with, and what serves it; the first names the environment.
packages=(authlib==1.9.10 joserfc==1.8.0 flask==3.1.3 waitress==3.0.2)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=$root/target/tools
# One environment for each set of versions: an update neither breaks a test that is running nor waits for it.
home=$tools/$(IFS=-; sed 's/==/-/g' <<<"${packages[*]}")

fail() { echo "$1" >&2; exit 1; }

# Whoever names a Python means that one: a wrong name is a mistake to report, not to work round.
if [[ -n ${AUTHLIB:-} ]]; then
    found=$(command -v -- "$AUTHLIB") || fail "AUTHLIB is \`$AUTHLIB\`, which is no program"
    "$found" -c 'import authlib, flask, joserfc, waitress' || fail "AUTHLIB is \`$AUTHLIB\`, which lacks ${packages[*]}"
    # Not resolved further: the interpreter of a virtual environment is a link, and is told by its place.
    printf '%s\n' "$(cd "$(dirname "$found")" && pwd)/$(basename "$found")"
    exit 0
fi

# Written last, so that an interrupted installation never looks like an environment. (It cannot be made under another name
# and renamed, as a wheel's program is: the interpreter has to stay where it was made.)
installed() { [[ -f $home/complete ]] && printf '%s\n' "$home/bin/python3"; }

installed && exit 0

command -v python3 >/dev/null || fail "python3 is missing: it is needed to install Authlib"
mkdir -p "$tools"
# Two `make` side by side must not fill the same folder; the second finds the first one's work.
if command -v flock >/dev/null; then
    exec 9>"$tools/.lock"
    flock 9
    installed && exit 0
fi

echo "installing ${packages[*]} into target/tools" >&2
"$root/src/tools/venv.sh" "$home"
"$home/bin/python3" -m pip install --quiet --disable-pip-version-check --only-binary :all: "${packages[@]}" >&2 \
    || fail "pip could not install ${packages[*]}: is there a wheel for this machine, and a way to the package index?"
touch "$home/complete"
installed
