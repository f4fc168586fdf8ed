#!/usr/bin/env bash
# Installs Debian packages, as root or through sudo, and says so. Fails where there is no apt-get or no right to use it.
#
#   src/tools/apt.sh PACKAGE...
set -euo pipefail

command -v apt-get >/dev/null || { echo "no apt-get here to install: $*" >&2; exit 1; }

as_root=()
if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || { echo "neither root nor sudo to install: $*" >&2; exit 1; }
    as_root=(sudo)
    # Without a terminal nobody can type the password; failing beats waiting.
    [[ -t 0 ]] || as_root+=(-n)
fi

echo "apt-get install $*" >&2
# Another apt-get (a second `make`, unattended upgrades) is waited for, with an end.
apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >&2
}
# Package lists may be absent (containers) or old; one that cannot be fetched does not matter if the rest suffices.
apt_get update || true
apt_get install -y --no-install-recommends "$@"
