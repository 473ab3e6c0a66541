//! What a DCC must hold: the rules of the EU schema 1.3, strict, and where earlier versions differ.
//!
//! Source: `DCC.combined-schema.json` of the eHealth network (1.0.0 … 1.3.0). Value sets grow and a
//! reader must not refuse tomorrow's vaccine, so of them only countries are checked.

use super::cbor::Value;

/// ISO 3166-1 alpha-2 as assigned, and XK, which the value set adds.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ \
    BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ \
    DE DJ DK DM DO DZ EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN \
    GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH \
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL \
    PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV \
    SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN \
    VU WF WS XK YE YT ZA ZM ZW";

const LONGEST: usize = 80;

/// Everything that is wrong with `dcc`, each with the place; empty if it is as it should be.
///
/// `version` is the schema to check by; without it the one the certificate names.
pub fn check(dcc: &Value, version: Option<&str>) -> Vec<String> {
    let mut checker = Checker { problems: Vec::new(), version: (1, 3) };
    if !matches!(dcc, Value::Map(_)) {
        return vec!["the certificate is no map".to_owned()];
    }
    let stated = checker.text(dcc, "", "ver", true);
    if stated.is_some_and(|stated| version_of(stated).is_none()) {
        checker.note("ver", "is no version such as 1.3.0");
    }
    if let Some(version) = version.or(stated).and_then(version_of) {
        checker.version = version;
    }
    checker.name(dcc);
    checker.birth_date(dcc);
    checker.entries(dcc);
    checker.problems
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let parts: Vec<&str> = text.split('.').collect();
    let [major, minor, patch] = parts.as_slice() else { return None };
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok());
    number(patch)??;
    Some((number(major)??, number(minor)??))
}

struct Checker {
    problems: Vec<String>,
    version: (u32, u32),
}

impl Checker {
    fn note(&mut self, place: &str, message: &str) {
        self.problems.push(format!("{place} {message}"));
    }

    fn note_at(&mut self, place: &str, key: &str, message: &str) {
        let dot = if place.is_empty() { "" } else { "." };
        self.problems.push(format!("{place}{dot}{key} {message}"));
    }

    /// A text of at most 80 characters; `None` if missing or of another type (which is noted).
    fn text<'v>(
        &mut self,
        map: &'v Value,
        place: &str,
        key: &str,
        required: bool,
    ) -> Option<&'v str> {
        let Some(value) = map.get(key) else {
            if required {
                self.note_at(place, key, "is missing");
            }
            return None;
        };
        let text = value.text();
        if text.is_none() {
            self.note_at(place, key, "is no text");
        }
        if text.is_some_and(|text| text.len() > LONGEST && text.chars().count() > LONGEST) {
            self.note_at(place, key, "is longer than 80 characters");
        }
        text
    }

    fn name(&mut self, dcc: &Value) {
        let Some(name @ Value::Map(_)) = dcc.get("nam") else {
            return self.note("nam", "is missing");
        };
        for key in ["fn", "gn"] {
            self.text(name, "nam", key, false);
        }
        for (key, required) in [("fnt", true), ("gnt", false)] {
            if let Some(text) = self.text(name, "nam", key, required)
                && !text.bytes().all(|b| b.is_ascii_uppercase() || b == b'<')
            {
                self.note_at("nam", key, "has other characters than A to Z and <");
            }
        }
    }

    /// Empty, a year from 1900 to 2099, a month, or a day.
    fn birth_date(&mut self, dcc: &Value) {
        let Some(text) = self.text(dcc, "", "dob", true) else { return };
        let shapes = ["", "dddd", "dddd-dd", "dddd-dd-dd"];
        let century = text.is_empty() || text.starts_with("19") || text.starts_with("20");
        if !century || !shapes.iter().any(|shape| has_shape(text, shape)) {
            self.note("dob", "is no date from 1900 to 2099");
        }
    }

    fn entries(&mut self, dcc: &Value) {
        let groups: Vec<&str> =
            ["v", "t", "r"].into_iter().filter(|key| dcc.get(key).is_some()).collect();
        if groups.len() != 1 {
            self.note("the certificate", "must hold exactly one of v, t and r");
        }
        for group in groups {
            let Some(Value::Array(entries)) = dcc.get(group) else {
                self.note(group, "is no list");
                continue;
            };
            // Several doses on one certificate were possible before 1.1.
            if entries.is_empty() || entries.len() > 1 && self.version >= (1, 1) {
                self.note(group, "must hold one entry");
            }
            for (at, entry) in entries.iter().enumerate() {
                self.entry(entry, group, &format!("{group}[{at}]"));
            }
        }
    }

    fn entry(&mut self, entry: &Value, group: &str, place: &str) {
        if !matches!(entry, Value::Map(_)) {
            return self.note(place, "is no map");
        }
        for key in ["tg", "is", "ci"] {
            self.text(entry, place, key, true);
        }
        self.country(entry, place);
        let texts: &[(&str, bool)] = match group {
            "v" => &[("vp", true), ("mp", true), ("ma", true)],
            // The testing centre became optional for rapid tests with 1.3.
            "t" => &[("tt", true), ("tr", true), ("tc", false), ("nm", false), ("ma", false)],
            _ => &[],
        };
        for (key, required) in texts {
            self.text(entry, place, key, *required);
        }
        match group {
            "v" => {
                self.date(entry, place, "dt");
                for key in ["dn", "sd"] {
                    let number = entry.get(key).map(Value::untagged);
                    if !matches!(number, Some(Value::Integer(1..=99))) {
                        self.note_at(place, key, "is no number of doses");
                    }
                }
            }
            "t" => self.instant(entry, place, "sc"),
            _ => ["fr", "df", "du"].iter().for_each(|key| self.date(entry, place, key)),
        }
    }

    fn country(&mut self, entry: &Value, place: &str) {
        let Some(text) = self.text(entry, place, "co", true) else { return };
        let in_letters =
            (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase());
        // Three characters a country: two letters and a space.
        let is_assigned =
            text.len() != 2 || COUNTRIES.as_bytes().chunks(3).any(|c| &c[..2] == text.as_bytes());
        if !in_letters || !is_assigned {
            self.note_at(place, "co", "is no country");
        }
    }

    /// A full date; before 1.3 the pattern had no end, and some wrote a time behind it.
    fn date(&mut self, entry: &Value, place: &str, key: &str) {
        let Some(text) = self.text(entry, place, key, true) else { return };
        let day = if self.version < (1, 3) { text.split('T').next().unwrap_or("") } else { text };
        if !is_day(day) {
            self.note_at(place, key, "is no date");
        }
    }

    /// Date and time with an offset from UTC (RFC 3339; the colon of the offset may be missing).
    fn instant(&mut self, entry: &Value, place: &str, key: &str) {
        let Some(text) = self.text(entry, place, key, true) else { return };
        let good = text.split_once(['T', 't', ' ']).is_some_and(|(day, time)| {
            let end = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
            let (clock, offset) = time.split_at(end);
            let shapes = ["Z", "z", "+dd:dd", "-dd:dd", "+dddd", "-dddd", "+dd", "-dd"];
            is_day(day) && is_clock(clock) && shapes.iter().any(|shape| has_shape(offset, shape))
        });
        if !good {
            self.note_at(place, key, "is no date and time with an offset");
        }
    }
}

/// `d` stands for a digit, everything else for itself.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(b, want)| match want {
            b'd' => b.is_ascii_digit(),
            other => b == other,
        })
}

/// Hours, minutes, seconds (60 in a leap second), and perhaps decimals of a second.
fn is_clock(text: &str) -> bool {
    let (clock, decimals) = text.split_once('.').unwrap_or((text, "0"));
    has_shape(clock, "dd:dd:dd")
        && [("24", 0), ("60", 3), ("61", 6)].iter().all(|(end, at)| &clock[*at..at + 2] < *end)
        && !decimals.is_empty()
        && decimals.bytes().all(|b| b.is_ascii_digit())
}

fn is_day(text: &str) -> bool {
    if !has_shape(text, "dddd-dd-dd") {
        return false;
    }
    let part = |from: usize, to: usize| text[from..to].parse::<u16>().unwrap_or(0);
    let (month, day) = (part(5, 7) as u8, part(8, 10) as u8);
    day > 0 && crate::names::dates::PartialDate::new(part(0, 4), month, day).is_some()
}
