//! Codes for people and papers: random symbols with a check symbol, and tube codes.

use crate::error::{Error, Kind, Result};

/// The 32 symbols: no I, L, O, U, which are misread or spell words.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The longest code whose every swap of neighbours and single error the check symbol finds.
pub const LONGEST: usize = 31;

/// Value of a symbol as people type it: lower case counts, O is 0, I and L are 1.
fn value(symbol: char) -> Option<u8> {
    let folded = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|&a| char::from(a) == folded).map(|at| at as u8)
}

/// Multiplies by α in GF(32) = GF(2)[x]/(x⁵ + x² + 1), where α = x.
fn times_alpha(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 0x20 == 0 { doubled } else { doubled ^ 0x25 }
}

/// Σ αᵏ·sₖ, k counted from the right end, where the check symbol stands at k = 0.
///
/// Since every αᵏ differs from 0 and from its neighbours, one wrong symbol or two swapped
/// neighbours always change the sum.
fn weighted_sum(values: &[u8]) -> u8 {
    values.iter().fold(0, |sum, &v| times_alpha(sum) ^ v)
}

fn values_of(text: &str) -> Result<Vec<u8>> {
    let mut values = Vec::with_capacity(text.len());
    for c in text.trim().chars().filter(|c| !matches!(c, '-' | ' ')) {
        values.push(value(c).ok_or_else(|| {
            Error::new(Kind::Malformed, "code.symbol", "the code has a character no code has")
        })?);
    }
    match values.len() {
        0 => Err(Error::new(Kind::Malformed, "code.empty", "the code is empty")),
        n if n > LONGEST => Err(Error::new(Kind::Malformed, "code.length", "the code is too long")),
        _ => Ok(values),
    }
}

fn spell(values: &[u8]) -> String {
    values.iter().map(|&v| char::from(ALPHABET[usize::from(v & 31)])).collect()
}

/// The check symbol that belongs behind `body`.
pub fn code_check_symbol(body: &str) -> Result<char> {
    let mut values = values_of(body)?;
    if values.len() == LONGEST {
        return Err(Error::new(Kind::Malformed, "code.length", "the code is too long"));
    }
    values.push(0);
    Ok(char::from(ALPHABET[usize::from(weighted_sum(&values))]))
}

/// A code as people type it → its normal form, if the check symbol holds.
///
/// Hyphens and spaces are dropped. `length` counts the check symbol. Codes of errors:
/// `code.empty`, `code.symbol`, `code.length`, `code.check_symbol`.
pub fn check_code(text: &str, length: Option<usize>) -> Result<String> {
    let values = values_of(text)?;
    if values.len() < 2 || length.is_some_and(|length| length != values.len()) {
        return Err(Error::new(
            Kind::Invalid,
            "code.length",
            "the code is too short or too long; look at the paper again",
        ));
    }
    if weighted_sum(&values) != 0 {
        return Err(Error::new(
            Kind::Invalid,
            "code.check_symbol",
            "the code is mistyped: one or more characters are wrong or swapped",
        ));
    }
    Ok(spell(&values))
}

/// A code of the given random bytes, one symbol a byte, with its check symbol.
pub fn code_of(random: &[u8]) -> String {
    let mut values: Vec<u8> = random.iter().map(|b| b & 31).collect();
    values.push(0);
    let check = weighted_sum(&values);
    if let Some(last) = values.last_mut() {
        *last = check;
    }
    spell(&values)
}

/// A new code of `n` random symbols of the operating system and one check symbol.
pub fn new_code(n: usize) -> Result<String> {
    if n == 0 || n >= LONGEST {
        return Err(Error::new(Kind::Invalid, "code.length", "a code has 1 to 30 random symbols"));
    }
    let mut random = vec![0; n];
    getrandom::fill(&mut random)
        .map_err(|e| Error::new(Kind::LimitReached, "code.random", e.to_string()))?;
    Ok(code_of(&random))
}

/// Length of a tube code of ours: three letters, yymmdd, six digits, one check digit.
pub const TUBE_LENGTH: usize = 16;

/// The ISO/IEC 7064 MOD 11,10 check digit behind three letters and twelve digits.
///
/// Letters count as two digits, A = 10 … Z = 35, so that a wrong letter is found as well.
/// Codes of errors: `tube.form`.
pub fn tube_check_digit(body: &str) -> Result<char> {
    let wrong = || {
        Error::new(
            Kind::Malformed,
            "tube.form",
            "a tube code of ours is three letters, six digits of the day, and six digits",
        )
    };
    if body.len() != TUBE_LENGTH - 1 || !body.is_ascii() {
        return Err(wrong());
    }
    let mut rest = 10;
    let mut take = |digit: u32| {
        let sum = (rest + digit) % 10;
        rest = (if sum == 0 { 10 } else { sum }) * 2 % 11;
    };
    for (at, c) in body.chars().enumerate() {
        let value = c.to_digit(36).filter(|v| (*v >= 10) == (at < 3)).ok_or_else(wrong)?;
        if value >= 10 {
            take(value / 10);
        }
        take(value % 10);
    }
    char::from_digit((11 - rest) % 10, 10).ok_or_else(wrong)
}

/// A tube code of ours → its normal form, if form, day and check digit hold.
///
/// Codes of errors: `tube.form`, `tube.day`, `tube.check_digit`.
pub fn check_tube_code(text: &str) -> Result<String> {
    let code = text.trim().to_ascii_uppercase();
    let parts = code.split_at_checked(TUBE_LENGTH - 1);
    let Some((body, digit)) = parts.filter(|_| code.len() == TUBE_LENGTH) else {
        return tube_check_digit("").map(String::from);
    };
    let expected = tube_check_digit(body)?;
    let number = |range: std::ops::Range<usize>| body[range].parse::<u8>().unwrap_or(0);
    let (month, day) = (number(5..7), number(7..9));
    let year = 2000 + u16::from(number(3..5));
    if day == 0 || super::dates::PartialDate::new(year, month, day).is_none() {
        return Err(Error::new(Kind::Invalid, "tube.day", "digits four to nine are no day"));
    }
    if digit.chars().ne([expected]) {
        return Err(Error::new(
            Kind::Invalid,
            "tube.check_digit",
            "the tube code is misread or mistyped: its check digit does not fit",
        ));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_error_and_swap_is_found() {
        for seed in 0..50_u8 {
            let random: Vec<u8> =
                (0..10_u8).map(|n| n.wrapping_mul(37) ^ seed.wrapping_mul(91)).collect();
            let code = code_of(&random);
            assert_eq!(check_code(&code, Some(11)).unwrap(), code);
            let letters: Vec<char> = code.chars().collect();
            for at in 0..letters.len() {
                for &other in ALPHABET {
                    let mut wrong = letters.clone();
                    wrong[at] = char::from(other);
                    let text: String = wrong.iter().collect();
                    assert_eq!(check_code(&text, None).is_ok(), text == code);
                }
                if at > 0 && letters[at] != letters[at - 1] {
                    let mut swapped = letters.clone();
                    swapped.swap(at, at - 1);
                    let text: String = swapped.iter().collect();
                    assert_eq!(check_code(&text, None).unwrap_err().code(), "code.check_symbol");
                }
            }
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = code_of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let typed = format!(" o{}-{} ", code[1..5].replace('1', "l").to_lowercase(), &code[5..]);
        assert_eq!(check_code(&typed, Some(11)).unwrap(), code);
        assert_eq!(code_check_symbol(&code[..10]).unwrap(), code.chars().last().unwrap());
        assert_eq!(check_code("", None).unwrap_err().code(), "code.empty");
        assert_eq!(check_code("ABCU", None).unwrap_err().code(), "code.symbol");
        assert_eq!(check_code("A", None).unwrap_err().code(), "code.length");
        assert_eq!(new_code(10).unwrap().len(), 11);
        assert_ne!(new_code(10).unwrap(), new_code(10).unwrap());
        assert!(new_code(31).is_err());
    }

    #[test]
    fn tube_codes_hold_their_check_digit() {
        let body = "QTI210815000123";
        let code = format!("{body}{}", tube_check_digit(body).unwrap());
        assert_eq!(check_tube_code(&code.to_lowercase()).unwrap(), code);
        let letters: Vec<char> = code.chars().collect();
        for at in 3..code.len() {
            for other in '0'..='9' {
                let mut wrong = letters.clone();
                wrong[at] = other;
                let text: String = wrong.iter().collect();
                assert_eq!(check_tube_code(&text).is_ok(), text == code, "{text}");
            }
        }
        assert_eq!(check_tube_code("QTI2113150001230").unwrap_err().code(), "tube.day");
        assert_eq!(check_tube_code("QT12108150001230").unwrap_err().code(), "tube.form");
        assert_eq!(check_tube_code("é").unwrap_err().code(), "tube.form");
    }
}
