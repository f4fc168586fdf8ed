//! Owns the fingerprint of RSA keys whose factors can be found (CVE-2017-15361, "ROCA").
//!
//! A library of smart cards made each of a key's two primes as `k * M + (65537^a mod M)`, where M is the product of the
//! first 126 primes or more, for keys of the sizes that are taken here. So the modulus is a power of 65537 in the
//! arithmetic of each of these primes. About one in 239 million of ordinary keys is so, too.
//!
//! [Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack, section
//! 2](https://doi.org/10.1145/3133956.3133969)

/// Whether a modulus, big endian, has the fingerprint.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| is_power(rest(modulus, prime), prime))
}

/// The modulus in the arithmetic of a small prime.
#[allow(clippy::arithmetic_side_effects, reason = "no prime is zero")]
fn rest(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |rest, byte| (rest.wrapping_mul(256).wrapping_add(u32::from(*byte))) % prime)
}

/// Whether a number is a power of 65537 in the arithmetic of a prime.
#[allow(clippy::arithmetic_side_effects, reason = "no prime is zero")]
fn is_power(number: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == number {
            return true;
        }
        power = power.wrapping_mul(GENERATOR % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

const GENERATOR: u32 = 65_537;

/// The primes below 168 in whose arithmetic not every number is a power of 65537. They divide M for keys of every size.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// Little endian, in bytes.
    #[derive(Clone)]
    struct Number(Vec<u8>);

    impl Number {
        fn times(&self, factor: u32) -> Self {
            let (mut bytes, mut carry) = (Vec::new(), 0_u64);
            for byte in self.0.iter().copied().chain([0; 4]) {
                carry += u64::from(byte) * u64::from(factor);
                bytes.push(u8::try_from(carry % 256).unwrap());
                carry /= 256;
            }
            Self(bytes)
        }

        fn plus(&self, other: &Self, shift: usize) -> Self {
            let length = self.0.len().max(other.0.len() + shift) + 1;
            let (mut bytes, mut carry) = (Vec::new(), 0_u16);
            for index in 0..length {
                let at = |number: &Self, index: Option<usize>| {
                    u16::from(index.and_then(|index| number.0.get(index)).copied().unwrap_or(0))
                };
                carry += at(self, Some(index)) + at(other, index.checked_sub(shift));
                bytes.push(u8::try_from(carry % 256).unwrap());
                carry /= 256;
            }
            Self(bytes)
        }

        fn by(&self, other: &Self) -> Self {
            let parts = other.0.iter().enumerate();
            parts.fold(Self(vec![0]), |sum, (shift, byte)| sum.plus(&self.times(u32::from(*byte)), shift))
        }

        fn big_endian(mut self) -> Vec<u8> {
            while self.0.last() == Some(&0) {
                self.0.pop();
            }
            self.0.reverse();
            self.0
        }
    }

    /// `k * M + 65537^a`, with as many primes in M as for keys of 2048 bits.
    fn factor(k: u32, a: u32) -> Number {
        let is_prime = |number: &u32| (2..*number).all(|divisor| !number.is_multiple_of(divisor));
        let product = (2..702).filter(is_prime).fold(Number(vec![1]), |product, prime| product.times(prime));
        let power = (0..a).fold(Number(vec![1]), |power, _| power.times(GENERATOR));
        product.times(k).plus(&power, 0)
    }

    #[test]
    fn keys_of_the_faulty_library_are_known() {
        for ((k, a), (l, b)) in [((0x9000_0001, 3), (0xf000_0003, 11)), ((7, 0), (9, 40)), ((0xffff_ffff, 25), (2, 1))]
        {
            let (one, other) = (factor(k, a), factor(l, b));
            let modulus = one.by(&other).big_endian();
            assert!(has_fingerprint(&modulus), "{k} {a} {l} {b}");
            // One of its two primes is an ordinary one.
            let modulus = one.by(&other.plus(&Number(vec![2]), 0)).big_endian();
            assert!(!has_fingerprint(&modulus), "{k} {a} {l} {b}");
        }
    }

    #[test]
    fn ordinary_keys_are_none_of_them() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for number in 0..20_000 {
            let modulus: Vec<u8> = (0..256)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state.to_be_bytes()[0] | 1
                })
                .collect();
            assert!(!has_fingerprint(&modulus), "{number}: {modulus:?}");
        }
    }
}
