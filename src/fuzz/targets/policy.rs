//! `cargo fuzz` of [`brama_fuzz::policy`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::policy::holds_for(data));
