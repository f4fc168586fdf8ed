#!/usr/bin/env bash
# Whether anything outside of this folder may be installed: 0 yes, 1 no (BRAMA_INSTALL=no).
#
#   src/tools/install/may-install.sh
set -euo pipefail

case ${BRAMA_INSTALL:-yes} in
    yes) exit 0 ;;
    no) exit 1 ;;
    *)
        echo "BRAMA_INSTALL is \`$BRAMA_INSTALL\`; it can be yes or no" >&2
        exit 2
        ;;
esac
