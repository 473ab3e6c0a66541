//! Days of birth, phones and document numbers as typed → small comparable values.
//!
//! Every reader answers with "nothing" for a blank, a placeholder or nonsense: such a value is
//! missing, never evidence (pitfall 5).

/// A day of birth with its precision; zero parts are unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Born(u32);

impl Born {
    /// Packs the parts; a day or month of zero means unknown.
    pub fn new(year: u32, month: u32, day: u32) -> Self {
        Self((year << 9) | (month << 5) | day)
    }

    /// The packed form, 0 if unknown: equal iff the same day at the same precision.
    pub fn packed(self) -> u32 {
        self.0
    }

    /// Back from [`Born::packed`].
    pub fn from_packed(packed: u32) -> Self {
        Self(packed)
    }

    /// Year, 0 if unknown.
    pub fn year(self) -> u32 {
        self.0 >> 9
    }

    /// Month, 0 if unknown.
    pub fn month(self) -> u32 {
        (self.0 >> 5) & 15
    }

    /// Day, 0 if unknown.
    pub fn day(self) -> u32 {
        self.0 & 31
    }

    /// Whether anything is known.
    pub fn is_known(self) -> bool {
        self.0 > 0
    }

    /// Whether day and month are known and not the 1 January that stands for "only the year".
    pub fn is_exact(self) -> bool {
        self.day() > 0 && !(self.day() == 1 && self.month() == 1)
    }
}

/// Two digits up to these are of this century: nobody of a hundred years is counted on.
const THIS_CENTURY: u32 = 30;

/// Reads `1985-03-07`, `07/03/1985`, `07/03/85`, `19850307`, `07031985`, `1985`, `03/1985`; a month
/// above 12 is taken as the day.
pub fn read_born(text: &str) -> Born {
    let mut parts = [0_u32; 3];
    let mut lengths = [0; 3];
    let mut found = 0;
    for piece in text.trim().split(|c: char| !c.is_ascii_digit()) {
        if piece.is_empty() {
            continue;
        }
        if found == 0 && piece.len() == 8 {
            let number: u32 = piece.parse().unwrap_or(0);
            parts = if (1890..=2100).contains(&(number / 10_000)) {
                [number / 10_000, number / 100 % 100, number % 100]
            } else {
                [number / 1_000_000, number / 10_000 % 100, number % 10_000]
            };
            (found, lengths) = (3, [4; 3]);
            break;
        }
        if found == 3 || piece.len() > 4 {
            break;
        }
        parts[found] = piece.parse().unwrap_or(0);
        lengths[found] = piece.len();
        found += 1;
    }
    let year_of = |at: usize| match (lengths[at], parts[at]) {
        (2, year) if found == 3 => year + if year <= THIS_CENTURY { 2000 } else { 1900 },
        (_, year) => year,
    };
    let (year, mut month, mut day) = match (found, parts) {
        (1, [year, ..]) => (year, 0, 0),
        (2, [a, b, _]) if a > 31 => (a, b, 0),
        (2, [a, b, _]) => (b, a, 0),
        (3, [a, b, c]) if a > 31 => (year_of(0), b, c),
        (3, [a, b, _]) => (year_of(2), b, a),
        _ => return Born::default(),
    };
    if !(1890..=2200).contains(&year) {
        return Born::default();
    }
    if month > 12 && (1..=12).contains(&day) {
        (month, day) = (day, month);
    }
    if month > 12 || day > 31 || month == 0 {
        (month, day) = (0, 0);
    }
    // 1900-01-01 is what spreadsheets and forms put for "unknown".
    if year == 1900 && month <= 1 {
        return Born::default();
    }
    Born::new(year, month, day)
}

/// Sex as typed: 1 male, 2 female, 0 unknown.
pub fn read_sex(text: &str) -> u8 {
    match text {
        "Nam" | "M" => return 1,
        "Nữ" | "F" => return 2,
        _ => {}
    }
    match text.trim().to_lowercase().as_str() {
        "m" | "male" | "nam" | "1" | "trai" => 1,
        "f" | "female" | "nữ" | "nu" | "nu\u{31B}\u{303}" | "2" | "gái" => 2,
        _ => 0,
    }
}

fn digits(text: &str) -> (u64, usize) {
    let mut value = 0_u64;
    let mut count = 0;
    for byte in text.bytes().filter(u8::is_ascii_digit) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        count += 1;
    }
    (value, count)
}

/// All digits the same, or a run such as 123456789: typed to get past a form.
fn is_placeholder(mut value: u64, count: usize) -> bool {
    let mut steps = [0_usize; 3];
    let mut last = value % 10;
    let mut zeros = usize::from(last == 0);
    for _ in 1..count {
        value /= 10;
        let digit = value % 10;
        zeros += usize::from(digit == 0);
        match (last + 10 - digit) % 10 {
            0 => steps[0] += 1,
            1 => steps[1] += 1,
            9 => steps[2] += 1,
            _ => {}
        }
        last = digit;
    }
    steps.iter().any(|s| *s + 2 >= count) || zeros + 1 >= count
}

/// The documents a person may show, as numbers; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Documents {
    /// Twelve digits of the CCCD.
    pub cccd: u64,
    /// Nine digits of the old CMND.
    pub cmnd: u64,
    /// Ten digits of social insurance, the last ten of a health insurance card.
    pub insurance: u64,
}

/// Reads a CCCD or CMND column: 12 digits; 11 when a spreadsheet ate the zero; 9 or 8 are a CMND.
pub fn read_id(text: &str, into: &mut Documents) {
    if text.contains(['E', 'e', '*']) {
        return; // 4.509E+10 and masked numbers have lost digits for good
    }
    let (value, count) = digits(text);
    match count {
        10..=12 if plausible_cccd(value) && !is_placeholder(value, 12) => {
            into.cccd = value;
        }
        8 | 9 if !is_placeholder(value, 9) => into.cmnd = value,
        _ => {}
    }
}

/// The first three digits are a province (001–096) or a country (from 100), Circular 07/2016.
fn plausible_cccd(value: u64) -> bool {
    let province = value / 1_000_000_000;
    (1..=999).contains(&province) && value < 1_000_000_000_000
}

/// Year of birth and sex that a CCCD states in its digits 4 to 6.
pub fn stated(cccd: u64) -> (u32, u8) {
    let century = (cccd / 100_000_000) % 10;
    let year = 1900 + (century as u32 / 2) * 100 + ((cccd / 1_000_000) % 100) as u32;
    (year, 1 + (century % 2) as u8)
}

/// Reads a health insurance card: ten digits, or two letters and thirteen digits.
pub fn read_insurance(text: &str) -> u64 {
    let (value, count) = digits(text);
    let number = value % 10_000_000_000;
    match count {
        9 | 10 | 13 if !is_placeholder(number, 10) => number,
        _ => 0,
    }
}

/// Old mobile prefixes of eleven digits → new ones, of 15 September 2018 (`phone_migration_2018`).
const MIGRATED: [(u64, u64); 21] = [
    (120, 70),
    (121, 79),
    (122, 77),
    (123, 83),
    (124, 84),
    (125, 85),
    (126, 76),
    (127, 81),
    (128, 78),
    (129, 82),
    (162, 32),
    (163, 33),
    (164, 34),
    (165, 35),
    (166, 36),
    (167, 37),
    (168, 38),
    (169, 39),
    (186, 56),
    (188, 58),
    (199, 59),
];

/// Reads a phone number to its national digits without the leading zero; 0 is none.
pub fn read_phone(text: &str) -> u32 {
    let (mut value, mut count) = digits(text);
    let international = text.trim_start().starts_with('+') || text.trim_start().starts_with("00");
    if (international || count == 11) && text.contains("84") {
        let body = text.trim_start_matches(['+', '0', ' ', '\'']);
        if let Some(national) = body.strip_prefix("84") {
            (value, count) = digits(national);
        }
    }
    // Only the significant digits matter: a leading zero may be lost or doubled.
    if (1_200_000_000..2_000_000_000).contains(&value) {
        let prefix = value / 10_000_000;
        if let Some((_, new)) = MIGRATED.iter().find(|(old, _)| *old == prefix) {
            value = new * 10_000_000 + value % 10_000_000;
        }
    }
    let mobile = (200_000_000..1_000_000_000).contains(&value);
    let landline = (2_000_000_000..3_000_000_000).contains(&value);
    if count < 8 || !(mobile || landline) || is_placeholder(value, if mobile { 9 } else { 10 }) {
        return 0;
    }
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_birth_in_every_form() {
        for (text, born) in [
            ("1985-03-07", Born::new(1985, 3, 7)),
            ("07/03/1985", Born::new(1985, 3, 7)),
            ("1985", Born::new(1985, 0, 0)),
            ("1985-25-03", Born::new(1985, 3, 25)),
            ("1985-00-00", Born::new(1985, 0, 0)),
            ("07/03/85", Born::new(1985, 3, 7)),
            ("7.3.05", Born::new(2005, 3, 7)),
            ("85-03-07", Born::new(1985, 3, 7)),
            ("1985-03-07 00:00:00", Born::new(1985, 3, 7)),
            ("19850307", Born::new(1985, 3, 7)),
            ("07031985", Born::new(1985, 3, 7)),
            ("07/03/0", Born::default()),
            ("99999999", Born::default()),
            ("", Born::default()),
            ("không rõ", Born::default()),
            ("0185-03-07", Born::default()),
        ] {
            assert_eq!(read_born(text), born, "{text}");
        }
    }

    #[test]
    fn document_numbers_survive_spreadsheets_and_placeholders_do_not_count() {
        let read = |text: &str| {
            let mut into = Documents::default();
            read_id(text, &mut into);
            (into.cccd, into.cmnd)
        };
        assert_eq!(read("045090000011"), (45_090_000_011, 0));
        assert_eq!(read("45090000011"), (45_090_000_011, 0));
        assert_eq!(read(" 045 090 000 011"), (45_090_000_011, 0));
        assert_eq!(read("191234567"), (0, 191_234_567));
        for nothing in ["000000000000", "111111111111", "123456789012", "4.509E+10", "", "x", "12"]
        {
            assert_eq!(read(nothing), (0, 0), "{nothing}");
        }
        assert_eq!(stated(45_190_000_011), (1990, 2));
        assert_eq!(stated(45_205_000_011), (2005, 1));
        assert_eq!(read_insurance("GD4454500012345"), read_insurance("4500012345"));
    }

    #[test]
    fn phones_reach_one_form() {
        for text in [
            "0382345671",
            "+84382345671",
            "01682345671",
            "0084 382 345 671",
            "382345671",
            "84382345671",
            "038.234.5671",
            "'0382345671",
        ] {
            assert_eq!(read_phone(text), 382_345_671, "{text}");
        }
        for nothing in ["", "0000000000", "0123456789", "0999999999", "12345"] {
            assert_eq!(read_phone(nothing), 0, "{nothing}");
        }
        assert_eq!(read_phone("02333852345"), 2_333_852_345);
    }
}
