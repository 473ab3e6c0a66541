//! Arithmetic modulo the two primes of P-256, on public numbers only: nothing here is constant in
//! time, so nothing here may touch a secret.

#![allow(clippy::needless_range_loop, reason = "limbs of several numbers go by one index")]

use std::marker::PhantomData;

/// A prime of 256 bits, limbs from the lowest.
pub(super) trait Modulus {
    const PRIME: [u64; 4];
    /// 2⁵¹² modulo the prime: into Montgomery form.
    const R2: [u64; 4];
    /// −1 divided by the lowest limb, modulo 2⁶⁴.
    const INVERSE: u64;
}

/// The field of P-256 (FIPS 186-5, section on curve P-256).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field;

impl Modulus for Field {
    const PRIME: [u64; 4] =
        [0xFFFF_FFFF_FFFF_FFFF, 0x0000_0000_FFFF_FFFF, 0, 0xFFFF_FFFF_0000_0001];
    const R2: [u64; 4] = [0x3, 0xFFFF_FFFB_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFE, 0x0000_0004_FFFF_FFFD];
    const INVERSE: u64 = 1;
}

/// The order of its base point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order;

impl Modulus for Order {
    const PRIME: [u64; 4] = [
        0xF3B9_CAC2_FC63_2551,
        0xBCE6_FAAD_A717_9E84,
        0xFFFF_FFFF_FFFF_FFFF,
        0xFFFF_FFFF_0000_0000,
    ];
    const R2: [u64; 4] = [
        0x8324_4C95_BE79_EEA2,
        0x4699_799C_49BD_6FA6,
        0x2845_B239_2B6B_EC59,
        0x66E1_2D94_F3D9_5620,
    ];
    const INVERSE: u64 = 0xCCD1_C8AA_EE00_BC4F;
}

/// A number below the prime, in Montgomery form: x·2²⁵⁶.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Residue<M> {
    limbs: [u64; 4],
    modulus: PhantomData<M>,
}

/// a + b·c + carry, which never overflows 128 bits.
#[inline]
fn multiply_add(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(a) + u128::from(b) * u128::from(c) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

/// a − b over four limbs, and whether it went below zero.
#[inline]
fn subtract(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let mut out = [0; 4];
    let mut borrow = false;
    for at in 0..4 {
        let (first, below) = a[at].overflowing_sub(b[at]);
        let (second, below_again) = first.overflowing_sub(u64::from(borrow));
        out[at] = second;
        borrow = below | below_again;
    }
    (out, borrow)
}

/// Whether a < b.
pub(super) fn is_less(a: [u64; 4], b: [u64; 4]) -> bool {
    subtract(a, b).1
}

/// Whether the number is zero or not below the order: such a number is in no signature.
pub(super) fn is_scalar(number: [u64; 4]) -> bool {
    number != [0; 4] && is_less(number, Order::PRIME)
}

/// Big-endian bytes → limbs.
pub(super) fn limbs_of(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0.iter().rev()) {
        *limb = u64::from_be_bytes(*chunk);
    }
    limbs
}

impl<M: Modulus + Copy + PartialEq> Residue<M> {
    pub(super) const ZERO: Self = Self { limbs: [0; 4], modulus: PhantomData };

    /// Of a number of any size below 2²⁵⁶.
    pub(super) fn new(number: [u64; 4]) -> Self {
        let raw = Self { limbs: number, modulus: PhantomData };
        raw.times(&Self { limbs: M::R2, modulus: PhantomData })
    }

    pub(super) fn one() -> Self {
        Self::new([1, 0, 0, 0])
    }

    /// The number itself, below the prime.
    pub(super) fn number(&self) -> [u64; 4] {
        self.times(&Self { limbs: [1, 0, 0, 0], modulus: PhantomData }).limbs
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs == [0; 4]
    }

    /// Montgomery's product a·b/2²⁵⁶ (coarsely integrated operand scanning).
    #[inline]
    pub(super) fn times(&self, other: &Self) -> Self {
        let (a, b) = (&self.limbs, &other.limbs);
        let mut t = [0_u64; 6];
        for &digit in b {
            let mut carry = 0;
            for at in 0..4 {
                (t[at], carry) = multiply_add(t[at], a[at], digit, carry);
            }
            let (low, over) = t[4].overflowing_add(carry);
            (t[4], t[5]) = (low, u64::from(over));
            let factor = t[0].wrapping_mul(M::INVERSE);
            let (_, mut carry) = multiply_add(t[0], factor, M::PRIME[0], 0);
            for at in 1..4 {
                (t[at - 1], carry) = multiply_add(t[at], factor, M::PRIME[at], carry);
            }
            let (low, over) = t[4].overflowing_add(carry);
            (t[3], t[4]) = (low, t[5] + u64::from(over));
        }
        Self::reduced([t[0], t[1], t[2], t[3]], t[4] != 0)
    }

    pub(super) fn squared(&self) -> Self {
        self.times(self)
    }

    /// Takes the prime off once if the number, with its carry, is not below it.
    #[inline]
    fn reduced(limbs: [u64; 4], carry: bool) -> Self {
        let (less, below) = subtract(limbs, M::PRIME);
        let limbs = if carry || !below { less } else { limbs };
        Self { limbs, modulus: PhantomData }
    }

    #[inline]
    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut out = [0; 4];
        let mut carry = false;
        for at in 0..4 {
            let (first, over) = self.limbs[at].overflowing_add(other.limbs[at]);
            let (second, over_again) = first.overflowing_add(u64::from(carry));
            out[at] = second;
            carry = over | over_again;
        }
        Self::reduced(out, carry)
    }

    #[inline]
    pub(super) fn minus(&self, other: &Self) -> Self {
        let (limbs, below) = subtract(self.limbs, other.limbs);
        if !below {
            return Self { limbs, modulus: PhantomData };
        }
        // Below zero by at most the prime: what is missing to 2²⁵⁶ is taken from it.
        let mut carry = 0_u128;
        let mut out = [0; 4];
        for at in 0..4 {
            let wide = u128::from(limbs[at]) + u128::from(M::PRIME[at]) + carry;
            out[at] = wide as u64;
            carry = wide >> 64;
        }
        Self { limbs: out, modulus: PhantomData }
    }

    pub(super) fn doubled(&self) -> Self {
        self.plus(self)
    }

    /// 1/x as x to the power of the prime less two (Fermat), four bits at a time; zero stays zero.
    pub(super) fn inverse(&self) -> Self {
        let (exponent, _) = subtract(M::PRIME, [2, 0, 0, 0]);
        let mut powers = [Self::one(); 16];
        for at in 1..16 {
            powers[at] = powers[at - 1].times(self);
        }
        let mut out = Self::one();
        for nibble in (0..64).rev() {
            for _ in 0..4 {
                out = out.squared();
            }
            let digit = exponent[nibble / 16] >> (nibble % 16 * 4) & 15;
            if digit != 0 {
                out = out.times(&powers[digit as usize]);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<M: Modulus + Copy + PartialEq + std::fmt::Debug>(a: [u64; 4], b: [u64; 4]) {
        let (x, y) = (Residue::<M>::new(a), Residue::<M>::new(b));
        assert_eq!(x.plus(&y).minus(&y), x);
        assert_eq!(x.minus(&y).plus(&y), x);
        assert_eq!(x.times(&y), y.times(&x));
        assert_eq!(x.plus(&y).times(&x), x.squared().plus(&x.times(&y)));
        assert!(is_less(x.number(), M::PRIME));
        assert_eq!(Residue::<M>::new(x.number()), x);
        if !x.is_zero() {
            assert_eq!(x.inverse().times(&x), Residue::one());
        }
    }

    #[test]
    fn numbers_at_the_edges_hold() {
        let full = [u64::MAX; 4];
        let last = |prime| subtract(prime, [1, 0, 0, 0]).0;
        let edges = [
            [0; 4],
            [1, 0, 0, 0],
            full,
            Field::PRIME,
            Order::PRIME,
            last(Field::PRIME),
            last(Order::PRIME),
            [0, 0, 0, u64::MAX],
            [u64::MAX, 0, 0, 0],
        ];
        for a in edges {
            for b in edges {
                check::<Field>(a, b);
                check::<Order>(a, b);
            }
        }
        assert!(Residue::<Field>::new(Field::PRIME).is_zero());
    }

    proptest! {
        #[test]
        fn the_laws_of_a_field_hold(a in any::<[u64; 4]>(), b in any::<[u64; 4]>()) {
            check::<Field>(a, b);
            check::<Order>(a, b);
        }
    }
}
