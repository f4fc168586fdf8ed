#!/usr/bin/env bash
# Installs Debian packages, as root or through sudo, after saying why and with which commands.
#
#   src/tools/install/apt.sh REASON PACKAGE...
#
# BRAMA_INSTALL=no forbids it. Where it is forbidden or cannot be done, it says what to install by hand, and fails.
set -euo pipefail

[[ $# -ge 2 ]] || { echo "usage: src/tools/install/apt.sh REASON PACKAGE..." >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
reason=$1
shift

by_hand() {
    echo "$reason, and $1. Install it by hand, then run the command again; Debian's packages for it: $packages" >&2
    exit 1
}
packages=$*

"$root/src/tools/install/may-install.sh" || { [[ $? -eq 1 ]] || exit 2; by_hand "BRAMA_INSTALL=no forbids to install packages"; }
command -v apt-get >/dev/null || by_hand "there is no apt-get here"

as_root=()
if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || by_hand "installing packages takes root or sudo"
    as_root=(sudo)
    # Without a terminal nobody can type the password; failing beats waiting.
    [[ -t 0 ]] || as_root+=(-n)
fi
quiet=-q
[[ -z ${CI:-} ]] || quiet=-qq
# Another apt-get (a second `make`, unattended upgrades) is waited for, with an end.
apt_get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$quiet" -o DPkg::Lock::Timeout=300)
update=("${apt_get[@]}" update)
install=("${apt_get[@]}" install -y --no-install-recommends "$@")

cat >&2 <<END
$reason.
About to install it with the system's package manager (BRAMA_INSTALL=no forbids this):
  ${update[*]}
  ${install[*]}
END
# Package lists may be absent (containers) or old; one that cannot be fetched does not matter if the rest suffices.
"${update[@]}" >&2 || true
"${install[@]}" >&2 || by_hand "apt-get failed"
