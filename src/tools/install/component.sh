#!/usr/bin/env bash
# Makes sure that a part of the Rust toolchain (rustfmt, clippy) is there.
#
#   src/tools/install/component.sh rustfmt|clippy
set -euo pipefail

component=$1
# Both are cargo commands, named without rustup's prefix.
command=${component/rustfmt/fmt}

cargo "$command" --version >/dev/null 2>&1 && exit 0
if command -v rustup >/dev/null && "$(dirname "${BASH_SOURCE[0]}")/may-install.sh"; then
    echo "The Rust toolchain lacks $component (BRAMA_INSTALL=no forbids to add it): rustup component add $component" >&2
    # Bounded, as in src/tools/build/wasm.sh: an unreachable server must become an error and not a wait.
    timeout 120 rustup component add "$component" >&2 && exit 0
fi
echo "$component is missing: run \`rustup component add $component\`, or install your distribution's package for it" >&2
exit 1
