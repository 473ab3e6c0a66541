//! Verifying ES256 with a table for each key: few keys sign all certificates, and with multiples
//! of the key at hand a signature costs a third of what it costs without.
//!
//! Public numbers only, so nothing is constant in time. ring stays the judge in the tests, and the
//! verifier of every key that is seen seldom.

#![allow(clippy::needless_range_loop, reason = "limbs and points of several lists go by one index")]

use std::sync::LazyLock;

use ring::digest::{SHA256, digest};

use super::montgomery::{Field, Order, Residue, is_less, is_scalar, limbs_of};

type Fe = Residue<Field>;

const B: [u64; 4] =
    [0x3BCE_3C3E_27D2_604B, 0x651D_06B0_CC53_B0F6, 0xB3EB_BD55_7698_86BC, 0x5AC6_35D8_AA3A_93E7];
const BASE: ([u64; 4], [u64; 4]) = (
    [0xF4A1_3945_D898_C296, 0x7703_7D81_2DEB_33A0, 0xF8BC_E6E5_63A4_40F2, 0x6B17_D1F2_E12C_4247],
    [0xCBB6_4068_37BF_51F5, 0x2BCE_3357_6B31_5ECE, 0x8EE7_EB4A_7C0F_9E16, 0x4FE3_42E2_FE1A_7F9B],
);
/// The order of the base point: what separates an x coordinate from its residue in a signature.
const ORDER: [u64; 4] = <Order as super::montgomery::Modulus>::PRIME;
const PRIME: [u64; 4] = <Field as super::montgomery::Modulus>::PRIME;

/// Bits of a scalar taken at a time; 43 windows of six bits hold 256.
const WIDTH: usize = 6;
const WINDOWS: usize = 256_usize.div_ceil(WIDTH);
const MULTIPLES: usize = (1 << WIDTH) - 1;

/// A point that is not infinity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Affine {
    x: Fe,
    y: Fe,
}

/// x = X/Z², y = Y/Z³; infinity has Z = 0.
#[derive(Debug, Clone, Copy)]
struct Jacobian {
    x: Fe,
    y: Fe,
    z: Fe,
}

impl Jacobian {
    fn infinity() -> Self {
        Self { x: Fe::one(), y: Fe::one(), z: Fe::ZERO }
    }

    fn of(point: &Affine) -> Self {
        Self { x: point.x, y: point.y, z: Fe::one() }
    }

    /// Doubling for a = −3.
    fn doubled(&self) -> Self {
        let delta = self.z.squared();
        let gamma = self.y.squared();
        let beta = self.x.times(&gamma);
        let slope = self.x.minus(&delta).times(&self.x.plus(&delta));
        let alpha = slope.doubled().plus(&slope);
        let beta4 = beta.doubled().doubled();
        let x = alpha.squared().minus(&beta4.doubled());
        let z = self.y.plus(&self.z).squared().minus(&gamma).minus(&delta);
        let gamma8 = gamma.squared().doubled().doubled().doubled();
        Self { x, y: alpha.times(&beta4.minus(&x)).minus(&gamma8), z }
    }

    /// Adds a point with Z = 1, all special cases included.
    fn plus(&self, other: &Affine) -> Self {
        if self.z.is_zero() {
            return Self::of(other);
        }
        let zz = self.z.squared();
        let h = other.x.times(&zz).minus(&self.x);
        let r = other.y.times(&zz.times(&self.z)).minus(&self.y);
        if h.is_zero() {
            return if r.is_zero() { self.doubled() } else { Self::infinity() };
        }
        let hh = h.squared();
        let hhh = h.times(&hh);
        let v = self.x.times(&hh);
        let x = r.squared().minus(&hhh).minus(&v.doubled());
        let y = r.times(&v.minus(&x)).minus(&self.y.times(&hhh));
        Self { x, y, z: self.z.times(&h) }
    }
}

/// Multiples of a point: `points[w][m − 1]` is m·64ʷ times it. About 170 kB.
#[derive(Debug, Clone)]
pub(super) struct Table {
    points: Vec<[Affine; MULTIPLES]>,
}

static BASE_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::of_point(Affine { x: Fe::new(BASE.0), y: Fe::new(BASE.1) }));

impl Table {
    /// Of an uncompressed point; `None` if it is not on the curve.
    pub(super) fn new(point: &[u8]) -> Option<Self> {
        let (tag, coordinates) = point.split_first()?;
        let (x, y) = coordinates.split_first_chunk::<32>()?;
        let (x, y) = (limbs_of(x), limbs_of(y.try_into().ok()?));
        if *tag != 4 || !is_less(x, PRIME) || !is_less(y, PRIME) {
            return None;
        }
        let (x, y) = (Fe::new(x), Fe::new(y));
        let three_x = x.doubled().plus(&x);
        let right = x.squared().times(&x).minus(&three_x).plus(&Fe::new(B));
        (y.squared() == right).then(|| Self::of_point(Affine { x, y }))
    }

    fn of_point(point: Affine) -> Self {
        let mut points = Vec::with_capacity(WINDOWS);
        let mut base = point;
        for _ in 0..WINDOWS {
            // Multiples below 64 of a point of prime order are never infinity.
            let mut row = [Jacobian::of(&base); MULTIPLES];
            for at in 1..MULTIPLES {
                row[at] = row[at - 1].plus(&base);
            }
            let row_affine = to_affine(&row);
            base = to_affine(&[row[MULTIPLES - 1].plus(&base)])[0];
            points.push(row_affine);
        }
        Self { points }
    }

    /// Adds `scalar` times the point to `sum`.
    fn add_multiple(&self, scalar: [u64; 4], mut sum: Jacobian) -> Jacobian {
        for (window, row) in self.points.iter().enumerate() {
            let (limb, shift) = (window * WIDTH / 64, window * WIDTH % 64);
            let mut digit = scalar[limb] >> shift;
            if shift + WIDTH > 64 && limb < 3 {
                digit |= scalar[limb + 1] << (64 - shift);
            }
            let digit = digit as usize & MULTIPLES;
            if digit != 0 {
                sum = sum.plus(&row[digit - 1]);
            }
        }
        sum
    }

    /// Whether `signature` (r‖s) is of `message` by the key of this table (FIPS 186-5, 6.4.2).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = <&[u8; 64]>::try_from(signature) else { return false };
        let Some((r, s)) = signature.split_first_chunk::<32>() else { return false };
        let Ok(s) = <&[u8; 32]>::try_from(s) else { return false };
        let (r, s) = (limbs_of(r), limbs_of(s));
        if !is_scalar(r) || !is_scalar(s) {
            return false;
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, message).as_ref());
        let weight = Residue::<Order>::new(s).inverse();
        let of_base = Residue::new(limbs_of(&hash)).times(&weight).number();
        let of_key = Residue::new(r).times(&weight).number();
        let sum = BASE_TABLE.add_multiple(of_base, Jacobian::infinity());
        let sum = self.add_multiple(of_key, sum);
        if sum.z.is_zero() {
            return false;
        }
        // x = X/Z² compared without a division; x may be r or, rarely, r plus the order.
        let zz = sum.z.squared();
        let is_x = |x: [u64; 4]| Fe::new(x).times(&zz) == sum.x;
        is_x(r) || plus_order(r).is_some_and(is_x)
    }
}

/// r + n if that is still a coordinate.
fn plus_order(r: [u64; 4]) -> Option<[u64; 4]> {
    let mut out = [0; 4];
    let mut carry = 0_u128;
    for at in 0..4 {
        let wide = u128::from(r[at]) + u128::from(ORDER[at]) + carry;
        out[at] = wide as u64;
        carry = wide >> 64;
    }
    (carry == 0 && is_less(out, PRIME)).then_some(out)
}

/// Divides by Z with one inversion for all (Montgomery's trick); no point may be infinity.
fn to_affine<const N: usize>(points: &[Jacobian; N]) -> [Affine; N] {
    let mut products = [Fe::one(); N];
    let mut product = Fe::one();
    for (before, point) in products.iter_mut().zip(points) {
        *before = product;
        product = product.times(&point.z);
    }
    let mut inverse = product.inverse();
    let mut out = [Affine { x: Fe::ZERO, y: Fe::ZERO }; N];
    for at in (0..N).rev() {
        let z = inverse.times(&products[at]);
        inverse = inverse.times(&points[at].z);
        let zz = z.squared();
        out[at] = Affine { x: points[at].x.times(&zz), y: points[at].y.times(&zz.times(&z)) };
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    };

    use super::*;

    fn key() -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap()
    }

    fn both(key: &EcdsaKeyPair, table: &Table, message: &[u8], signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
        let theirs = public.verify(message, signature).is_ok();
        assert_eq!(table.verify(message, signature), theirs);
        theirs
    }

    #[test]
    fn ring_agrees_on_good_and_changed_signatures() {
        let random = SystemRandom::new();
        for round in 0..20_u8 {
            let key = key();
            let table = Table::new(key.public_key().as_ref()).unwrap();
            for length in 0..10 {
                let message = vec![round; length * 37];
                let signature = key.sign(&random, &message).unwrap();
                assert!(both(&key, &table, &message, signature.as_ref()));
                let mut changed = signature.as_ref().to_vec();
                changed[usize::from(round) * 3 % 64] ^= 1 << (length % 8);
                assert!(!both(&key, &table, &message, &changed));
                assert!(!both(&key, &table, b"other", signature.as_ref()));
            }
        }
    }

    #[test]
    fn signatures_at_the_edges_are_refused_as_ring_refuses_them() {
        let key = key();
        let table = Table::new(key.public_key().as_ref()).unwrap();
        let bytes = |limbs: [u64; 4]| -> Vec<u8> {
            limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
        };
        let edges = [
            [0; 4],
            [1, 0, 0, 0],
            [ORDER[0] - 1, ORDER[1], ORDER[2], ORDER[3]],
            ORDER,
            PRIME,
            [u64::MAX; 4],
        ];
        for r in edges {
            for s in edges {
                assert!(!both(&key, &table, b"message", &[bytes(r), bytes(s)].concat()));
            }
        }
        for length in [0, 63, 65] {
            assert!(!both(&key, &table, b"message", &vec![1; length]));
        }
    }

    #[test]
    fn multiples_meet_each_other_and_infinity() {
        let one = [1, 0, 0, 0];
        let minus_one = [ORDER[0] - 1, ORDER[1], ORDER[2], ORDER[3]];
        let sum = BASE_TABLE.add_multiple(one, Jacobian::infinity());
        assert!(BASE_TABLE.add_multiple(minus_one, sum).z.is_zero());
        assert!(BASE_TABLE.add_multiple(ORDER, Jacobian::infinity()).z.is_zero());
        let two = BASE_TABLE.add_multiple(one, sum);
        let same = BASE_TABLE.add_multiple([2, 0, 0, 0], Jacobian::infinity());
        assert_eq!(to_affine(&[two]), to_affine(&[same]));
    }

    #[test]
    fn what_is_no_point_of_the_curve_has_no_table() {
        let mut point = key().public_key().as_ref().to_vec();
        assert!(Table::new(&point).is_some());
        point[64] ^= 1;
        assert!(Table::new(&point).is_none());
        assert!(Table::new(&[4; 65]).is_none() && Table::new(&[]).is_none());
        assert!(Table::new(&[&[4][..], &[0xFF; 64]].concat()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn sums_of_multiples_are_multiples_of_sums(a in any::<u64>(), b in any::<u64>()) {
            let start = BASE_TABLE.add_multiple([a, b, 0, 0], Jacobian::infinity());
            let both = BASE_TABLE.add_multiple([b, a, a, 0], start);
            let (low, first) = a.overflowing_add(b);
            let second = u128::from(a) + u128::from(b) + u128::from(first);
            let third = u128::from(a) + (second >> 64);
            let sum = [low, second as u64, third as u64, (third >> 64) as u64];
            let at_once = BASE_TABLE.add_multiple(sum, Jacobian::infinity());
            if !both.z.is_zero() {
                prop_assert_eq!(to_affine(&[both]), to_affine(&[at_once]));
            }
        }
    }
}
