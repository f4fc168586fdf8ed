#!/usr/bin/env bash
# Runs cargo for a Wasm target, with a compiler that can build for it.
#
#   src/tools/build/wasm.sh wasm32-wasip1|wasm32-unknown-unknown CARGO_COMMAND [ARGUMENT...]
#
# The usual toolchain serves where it has the target's standard library, or rustup can fetch it. Elsewhere (no
# rustup, or no way to its server) Debian's packages can build that library from source. Without any toolchain on PATH
# nothing is installed: src/tools/install/rust.sh says what to do.
# BRAMA_WASM_TOOLCHAIN=rustup|debian takes one of the two and never the other; BRAMA_INSTALL=no takes what is there.
set -euo pipefail

usage() {
    echo "usage: src/tools/build/wasm.sh wasm32-wasip1|wasm32-unknown-unknown CARGO_COMMAND [ARGUMENT...]" >&2
    exit 2
}
[[ $# -ge 2 ]] || usage
target=$1 command=$2
shift 2
[[ $target == wasm32-wasip1 || $target == wasm32-unknown-unknown ]] || usage

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

. "$root/src/tools/install/debian.sh"

# Asks the compiler rather than rustup, so that a distribution's own standard library counts too.
has_target() {
    local libraries
    libraries=$(rustc --print target-libdir --target "$target" 2>/dev/null) || return 1
    compgen -G "$libraries/libstd-*.rlib" >/dev/null
}

usual_toolchain() {
    "$root/src/tools/install/rust.sh" || exit 1
    has_target && return 0
    command -v rustup >/dev/null || return 1
    "$root/src/tools/install/may-install.sh" || { [[ $? -eq 1 ]] && return 1 || exit 1; }
    echo "The Rust toolchain lacks $target (BRAMA_INSTALL=no forbids to add it): rustup target add $target" >&2
    # Bounded: where packets to the server vanish, rustup would wait far longer than the way round takes.
    timeout 120 rustup target add "$target" >&2 || return 1
    has_target
}

debian_toolchain() {
    local package missing=()
    command -v dpkg-query >/dev/null || return 1
    for package in "${debian_packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    [[ ${#missing[@]} -eq 0 ]] || "$root/src/tools/install/apt.sh" "$without" "${missing[@]}"
}

without="The Rust toolchain cannot build for $target, and Debian's can"

# Where the dependencies are unpacked is nobody's business, and would be in the plugin: panics name their files.
remap="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"

# Vector instructions, which Envoy's V8 has: with them a search in a header takes a fifth of the time at its worst.
vectors="-C target-feature=+simd128"

# Each compiler has its own folder: neither can use what the other built, and both would rebuild in turns.
run_usual() {
    export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="$vectors $remap" CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$vectors
    exec cargo "$command" --target "$target" --target-dir "$root/target/wasm/rustup" "$@"
}

run_debian() {
    local parts=std,panic_abort
    # The test harness is a library of the compiler too.
    [[ $command == test ]] && parts+=,test
    # The library sources are used with unstable options, which a stable compiler allows only on request.
    export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-$lld CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-$lld
    # Debian ships the C library apart from the compiler, so the compiler's own copy must not be looked for.
    export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-C link-self-contained=no -L native=/usr/lib/wasm32-wasi $vectors $remap"
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$vectors
    exec /usr/bin/cargo "$command" --target "$target" --target-dir "$root/target/wasm/debian" -Z "build-std=$parts" "$@"
}

cd "$root"
case ${BRAMA_WASM_TOOLCHAIN:-} in
    rustup)
        usual_toolchain && run_usual "$@"
        echo "the Rust toolchain in use cannot build for $target, and BRAMA_WASM_TOOLCHAIN=rustup forbids another" >&2
        ;;
    debian)
        debian_toolchain && run_debian "$@"
        echo "Debian's packages for $target could not be installed: ${debian_packages[*]}" >&2
        ;;
    '')
        usual_toolchain && run_usual "$@"
        debian_toolchain && run_debian "$@"
        echo "no compiler for $target: run \`rustup target add $target\`, or install ${debian_packages[*]} (Debian's)" >&2
        ;;
    *)
        echo "BRAMA_WASM_TOOLCHAIN is \`$BRAMA_WASM_TOOLCHAIN\`; it can be rustup or debian" >&2
        ;;
esac
exit 1
