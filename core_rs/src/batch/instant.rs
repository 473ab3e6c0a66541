//! RFC 3339 instants → microseconds since 1970.

/// Days from 1970-01-01 to a day of the Gregorian calendar (Howard Hinnant, `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn length_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads `2026-08-01T10:00:00.123456+07:00` (or `Z`); `None` for anything else, years 1970–2199.
///
/// A device whose battery died begins again in 1970: what it says then is still an event.
/// Digits of a fraction after the sixth are dropped; a leap second counts as the second before.
pub fn parse_instant(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
    };
    let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|b| allowed.contains(b));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_valid = (1970..2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=length_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_valid {
        return None;
    }
    let mut at = 19;
    let mut micros = 0;
    if is(at, b".") {
        at += 1;
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == start {
            return None;
        }
        let kept = number(start, at.min(start + 6))?;
        micros = (at - start..6).fold(kept, |n, _| n * 10);
    }
    let offset_minutes = if is(at, b"Zz") && bytes.len() == at + 1 {
        0
    } else if is(at, b"+-") && is(at + 3, b":") && bytes.len() == at + 6 {
        let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        (hours * 60 + minutes) * if is(at, b"-") { -1 } else { 1 }
    } else {
        return None;
    };
    let days = days_from_civil(year, month, day);
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second.min(59);
    Some(seconds * 1_000_000 + micros)
}

#[cfg(test)]
mod tests {
    use super::parse_instant;

    #[test]
    fn instants_are_read() {
        let cases = [
            ("2000-01-01T00:00:00Z", 946_684_800_000_000),
            ("1970-01-01T00:00:00+07:00", -25_200_000_000),
            ("2026-08-01T10:00:00+07:00", 1_785_553_200_000_000),
            ("2026-08-01T03:00:00.5Z", 1_785_553_200_500_000),
            ("2026-08-01t03:00:00.1234567z", 1_785_553_200_123_456),
            ("2024-02-29 23:59:60-00:30", 1_709_252_999_000_000),
        ];
        for (text, micros) in cases {
            assert_eq!(parse_instant(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "2026-08-01",
            "2026-08-01T10:00:00",
            "2026-08-01T10:00:00+0700",
            "2026-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-08-01T24:00:00Z",
            "2026-08-01T10:00:00.Z",
            "2026-08-01T10:00:00Zx",
            "1969-12-31T10:00:00Z",
            "2026-08-0đT10:00:00Z",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }
}
