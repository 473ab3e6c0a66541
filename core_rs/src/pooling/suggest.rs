//! F1: which registered tube code could an unknown one have been meant for.

use super::intern::Interner;

/// Registered codes one edit away (a symbol wrong, missing or too many, two neighbours swapped),
/// the same in capitals or small letters.
///
/// They are offered to a person, never assigned. `is_tube` says which numbers stand for
/// registered tubes. At most `limit` codes, in the order of the alphabet.
pub fn similar_codes(
    unknown: &str,
    known: &Interner,
    is_tube: impl Fn(u32) -> bool,
    limit: usize,
) -> Vec<String> {
    const SYMBOLS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_/. ";
    let code: Vec<char> = unknown.chars().collect();
    if code.len() > 64 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut try_code = |candidate: &[char]| {
        let text: String = candidate.iter().collect();
        for text in [text.to_uppercase(), text.to_lowercase(), text] {
            if text != unknown && known.find(&text).is_some_and(&is_tube) && !found.contains(&text)
            {
                found.push(text);
            }
        }
    };
    try_code(&code);
    for at in 0..=code.len() {
        let mut longer = code.clone();
        longer.insert(at, ' ');
        for &symbol in SYMBOLS {
            longer[at] = char::from(symbol);
            try_code(&longer);
        }
        if at < code.len() {
            let mut wrong = code.clone();
            for &symbol in SYMBOLS {
                wrong[at] = char::from(symbol);
                try_code(&wrong);
            }
            let mut shorter = code.clone();
            shorter.remove(at);
            try_code(&shorter);
        }
        if at + 1 < code.len() {
            let mut swapped = code.clone();
            swapped.swap(at, at + 1);
            try_code(&swapped);
        }
    }
    found.sort();
    found.truncate(limit);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;

    #[test]
    fn a_swap_a_slip_and_a_lost_symbol_are_offered_and_nothing_else() -> Result<()> {
        let mut known = Interner::default();
        for code in ["AB1243", "AB1294", "AB123", "AB9999", "AB1234X"] {
            known.add(code)?;
        }
        let offered = similar_codes("AB1234", &known, |_| true, 9);
        assert_eq!(offered, ["AB123", "AB1234X", "AB1243", "AB1294"]);
        Ok(())
    }
}
