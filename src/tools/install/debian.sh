# Debian's packages that can build for Wasm without rustup; read by other scripts.
# shellcheck shell=bash disable=SC2034

# The linker's package carries its version in its name; it is the one rustc-web was built with.
lld=22
debian_packages=(rustc-web cargo-web rust-web-src "lld-$lld" wasi-libc)
