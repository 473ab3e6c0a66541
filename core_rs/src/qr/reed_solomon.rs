//! Reed–Solomon over GF(256) with the polynomial of QR codes (0x11D), errors and erasures.
//!
//! Berlekamp–Massey started from the erasure locator, Chien search, Forney's formula (R. E. Blahut,
//! *Algebraic Codes for Data Transmission*, 2003, chapter 7).

const POLYNOMIAL: u16 = 0x11D;
/// The most error correction codewords of a block.
const MAX_EC: usize = 30;
const MAX_TERMS: usize = MAX_EC + 1;

struct Tables {
    exp: [u8; 512],
    log: [u8; 256],
}

static FIELD: Tables = make_tables();

const fn make_tables() -> Tables {
    let mut exp = [0; 512];
    let mut log = [0; 256];
    let mut value: u16 = 1;
    let mut power = 0;
    while power < 255 {
        exp[power] = value as u8;
        exp[power + 255] = value as u8;
        log[value as usize] = power as u8;
        value <<= 1;
        if value & 0x100 != 0 {
            value ^= POLYNOMIAL;
        }
        power += 1;
    }
    exp[510] = exp[0];
    exp[511] = exp[1];
    Tables { exp, log }
}

/// Every value times αⁿ, for each n of a syndrome.
static TIMES_POWER: [[u8; 256]; MAX_EC] = make_products();

const fn make_products() -> [[u8; 256]; MAX_EC] {
    let tables = make_tables();
    let mut products = [[0; 256]; MAX_EC];
    let mut power = 0;
    while power < MAX_EC {
        let mut value = 1;
        while value < 256 {
            products[power][value] = tables.exp[tables.log[value] as usize + power];
            value += 1;
        }
        power += 1;
    }
    products
}

fn mul(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 {
        return 0;
    }
    FIELD.exp[usize::from(FIELD.log[usize::from(a)]) + usize::from(FIELD.log[usize::from(b)])]
}

fn power(exponent: usize) -> u8 {
    FIELD.exp[exponent % 255]
}

fn inverse(a: u8) -> u8 {
    FIELD.exp[255 - usize::from(FIELD.log[usize::from(a)])]
}

/// The `ec` error correction codewords of a block of data: the remainder by the generator
/// ∏ (x − αⁿ), n from 0.
pub(super) fn parity(data: &[u8], ec: usize) -> Vec<u8> {
    let mut generator = vec![1_u8];
    for root in 0..ec {
        generator.push(0);
        for at in (1..generator.len()).rev() {
            generator[at] ^= mul(generator[at - 1], power(root));
        }
    }
    let mut rest = vec![0; ec];
    for &word in data {
        let factor = word ^ rest[0];
        rest.rotate_left(1);
        rest[ec - 1] = 0;
        for (place, &term) in rest.iter_mut().zip(&generator[1..]) {
            *place ^= mul(term, factor);
        }
    }
    rest
}

/// The syndromes of a block; all zero means that it is a codeword.
pub(super) struct Syndromes {
    values: [u8; MAX_EC],
    count: usize,
}

impl Syndromes {
    /// Of `block`, whose last `ec` codewords (at most 30) are error correction.
    pub(super) fn of(block: &[u8], ec: usize) -> Self {
        let (mut values, count) = ([0_u8; MAX_EC], ec.min(MAX_EC));
        // All of them byte by byte: each waits for its own last value alone.
        for &byte in block {
            for (value, product) in values[..count].iter_mut().zip(&TIMES_POWER) {
                *value = product[usize::from(*value)] ^ byte;
            }
        }
        Self { values, count }
    }

    /// Whether nothing needs correction.
    pub(super) fn are_zero(&self) -> bool {
        self.values.iter().all(|&v| v == 0)
    }
}

/// Corrects `block` in place and returns how many codewords outside of `erasures` were wrong;
/// `None`, with the block untouched, if more than `max_errors` would have to be.
///
/// `erasures` are positions in the block, each once. The caller bounds `2 * max_errors +
/// erasures.len()` by the error correction codewords less its own margin against false repairs.
pub(super) fn correct(
    block: &mut [u8],
    syndromes: &Syndromes,
    erasures: &[usize],
    max_errors: usize,
) -> Option<usize> {
    if syndromes.are_zero() {
        return Some(0);
    }
    let (ec, last) = (syndromes.count, block.len().checked_sub(1)?);
    if erasures.len() + 2 * max_errors > ec || block.len() > 255 {
        return None;
    }
    let mut locator = [0_u8; MAX_TERMS];
    locator[0] = 1;
    for (n, &at) in erasures.iter().enumerate() {
        let root = power(last - at);
        for k in (1..=n + 1).rev() {
            locator[k] ^= mul(locator[k - 1], root);
        }
    }
    let degree = berlekamp_massey(&mut locator, &syndromes.values[..ec], erasures.len());
    if degree < erasures.len() || degree - erasures.len() > max_errors {
        return None;
    }
    let positions = find_roots(&locator[..=degree], block.len())?;
    let positions = &positions[..degree];

    // Evaluator: syndromes times locator, modulo x^ec.
    let mut evaluator = [0_u8; MAX_TERMS];
    for (k, term) in evaluator.iter_mut().enumerate().take(ec) {
        let reversed = syndromes.values[..=k].iter().rev();
        for (&factor, &syndrome) in locator[..=degree].iter().zip(reversed) {
            *term ^= mul(factor, syndrome);
        }
    }
    let mut repairs = [(0_usize, 0_u8); MAX_EC];
    for (repair, &place) in repairs.iter_mut().zip(positions) {
        let inverse_root = (255 - place) % 255;
        let value = evaluate(&evaluator[..ec], inverse_root);
        let mut slope = 0;
        for (k, &term) in locator.iter().enumerate().take(degree + 1) {
            if k % 2 == 1 {
                slope ^= mul(term, power(inverse_root * (k - 1)));
            }
        }
        if slope == 0 {
            return None;
        }
        *repair = (last - place, mul(mul(value, inverse(slope)), power(place)));
    }
    let mut wrong = 0;
    for &(at, change) in &repairs[..degree] {
        block[at] ^= change;
        wrong += usize::from(change != 0 && !erasures.contains(&at));
    }
    Some(wrong)
}

fn evaluate(terms: &[u8], exponent: usize) -> u8 {
    let point = power(exponent);
    terms.iter().rev().fold(0, |sum, &term| mul(sum, point) ^ term)
}

/// Extends the locator from the erasures to errors; returns its degree.
fn berlekamp_massey(locator: &mut [u8; MAX_TERMS], syndromes: &[u8], erased: usize) -> usize {
    let mut previous = *locator;
    let mut degree = erased;
    for n in erased..syndromes.len() {
        let mut discrepancy = 0;
        for k in 0..=n.min(MAX_TERMS - 1) {
            discrepancy ^= mul(locator[k], syndromes[n - k]);
        }
        previous.copy_within(..MAX_TERMS - 1, 1);
        previous[0] = 0;
        if discrepancy == 0 {
            continue;
        }
        let before = *locator;
        for (term, &shifted) in locator.iter_mut().zip(&previous) {
            *term ^= mul(discrepancy, shifted);
        }
        if 2 * degree <= n + erased {
            degree = n + 1 + erased - degree;
            let scale = inverse(discrepancy);
            previous = before.map(|term| mul(term, scale));
        }
    }
    degree
}

/// Powers of the roots' inverses within the block; `None` unless there is one for each degree.
fn find_roots(locator: &[u8], length: usize) -> Option<[usize; MAX_EC]> {
    let degree = locator.len() - 1;
    if degree > MAX_EC || locator[degree] == 0 {
        return None;
    }
    let mut found = [0; MAX_EC];
    let mut count = 0;
    for place in 0..length {
        if evaluate(locator, (255 - place) % 255) == 0 {
            *found.get_mut(count)? = place;
            count += 1;
        }
    }
    (count == degree).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Appends the error correction codewords: the remainder of division by the generator.
    fn encode(data: &[u8], ec: usize) -> Vec<u8> {
        let mut generator = vec![1_u8];
        for n in 0..ec {
            let mut next = vec![0; generator.len() + 1];
            for (k, &term) in generator.iter().enumerate() {
                next[k] ^= term;
                next[k + 1] ^= mul(term, power(n));
            }
            generator = next;
        }
        let mut rest = data.to_vec();
        rest.resize(data.len() + ec, 0);
        for n in 0..data.len() {
            let factor = rest[n];
            for (k, &term) in generator.iter().enumerate() {
                rest[n + k] ^= mul(factor, term);
            }
        }
        let mut block = data.to_vec();
        block.extend_from_slice(&rest[data.len()..]);
        block
    }

    proptest! {
        #[test]
        fn errors_and_erasures_up_to_the_bound_are_repaired(
            data in prop::collection::vec(any::<u8>(), 1..120),
            ec in 7_usize..=30,
            places in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..30),
            erased in 0_usize..30,
        ) {
            let whole = encode(&data, ec);
            prop_assert!(Syndromes::of(&whole, ec).are_zero());
            let mut damaged = whole.clone();
            let mut hit = Vec::new();
            for (index, change) in places {
                let at = index.index(whole.len());
                let erasures = (hit.len() + 1).min(erased);
                if !hit.contains(&at) && 2 * (hit.len() + 1 - erasures) + erasures <= ec {
                    damaged[at] ^= change;
                    hit.push(at);
                }
            }
            let erasures = &hit[..erased.min(hit.len())];
            let errors = hit.len() - erasures.len();
            let syndromes = Syndromes::of(&damaged, ec);
            let max_errors = (ec - erasures.len()) / 2;
            let answer = correct(&mut damaged, &syndromes, erasures, max_errors);
            prop_assert_eq!(answer, Some(errors));
            prop_assert_eq!(damaged, whole);
        }

        #[test]
        fn whatever_is_accepted_is_a_codeword(
            block in prop::collection::vec(any::<u8>(), 31..=255),
            ec in 7_usize..=30,
            erased in 0_usize..8,
        ) {
            let mut repaired = block.clone();
            let syndromes = Syndromes::of(&block, ec);
            let erasures: Vec<usize> = (0..erased.min(ec)).map(|n| n * 3).collect();
            let max_errors = (ec - erasures.len()) / 2;
            if correct(&mut repaired, &syndromes, &erasures, max_errors).is_some() {
                prop_assert!(Syndromes::of(&repaired, ec).are_zero());
            } else {
                prop_assert_eq!(repaired, block);
            }
        }
    }
}
