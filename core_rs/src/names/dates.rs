//! Dates of birth and of documents, with what of them is known.

use std::fmt;

use super::Warning;
use crate::error::{Error, Kind, Result};

/// A date of which the day, or day and month, may be unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    /// Four digits.
    pub year: u16,
    /// 1–12.
    pub month: Option<u8>,
    /// 1–31; never without a month.
    pub day: Option<u8>,
}

/// How much of a date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Year only.
    Year,
    /// Year and month.
    Month,
    /// All of it.
    Day,
}

impl Precision {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
        }
    }
}

impl PartialDate {
    /// A date of the calendar; zero for an unknown day or month. `None` if no such date exists.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if !(1850..=2199).contains(&year) || month > 12 || day > 0 && month == 0 {
            return None;
        }
        (day == 0 || day <= month_length(year, month)).then_some(Self {
            year,
            month: (month > 0).then_some(month),
            day: (day > 0).then_some(day),
        })
    }

    /// How much is known.
    pub fn precision(&self) -> Precision {
        match (self.month, self.day) {
            (Some(_), Some(_)) => Precision::Day,
            (Some(_), None) => Precision::Month,
            _ => Precision::Year,
        }
    }
}

/// ISO 8601 with reduced precision: `1990`, `1990-01`, `1990-01-02`.
impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
        }
        self.day.map_or(Ok(()), |day| write!(f, "-{day:02}"))
    }
}

fn month_length(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const TWO_DIGITS: Warning =
    Warning { code: "date.two_digit_year", message: "the century of the year is a guess" };
const SERIAL: Warning =
    Warning { code: "date.serial", message: "read from the day number of a spreadsheet" };

/// Reads a date as Vietnamese lists write it: day first, never month first.
///
/// `d/m/yyyy`, `d/m/yy`, `m/yyyy`, `yyyy`, `ddmmyyyy`, ISO with or without time, day numbers of
/// spreadsheets (1900 system), `00` for unknown parts. Two-digit years are the latest that is not
/// after `latest_year`. Codes of errors: `date.empty`, `date.form`, `date.calendar`.
pub fn parse_date(text: &str, latest_year: u16) -> Result<(PartialDate, Vec<Warning>)> {
    let trimmed = text.trim().trim_start_matches('\'').trim();
    if trimmed.is_empty() {
        return Err(Error::new(Kind::Malformed, "date.empty", "the date is empty"));
    }
    let mut warnings = Vec::new();
    if let Some(date) = read_bare_number(trimmed, &mut warnings)? {
        return Ok((date, warnings));
    }
    // "1990-01-02T00:00:00" and "02/01/1990 00:00": the time says nothing.
    let without_time =
        trimmed.split_once([' ', 'T']).filter(|(_, time)| time.contains(':')).map(|(day, _)| day);
    let parts: Vec<&str> = without_time
        .unwrap_or(trimmed)
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    if parts.iter().any(|part| part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit())) {
        return Err(form());
    }
    let number = |part: &str| part.parse::<u16>().map_err(|_| form());
    let (year, month, day) = match parts.as_slice() {
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            (number(year)?, number(month)?, number(day)?)
        }
        [day, month, year] if day.len() <= 2 && month.len() <= 2 => {
            (full_year(year, latest_year, &mut warnings)?, number(month)?, number(day)?)
        }
        [month, year] | [year, month] if month.len() <= 2 && year.len() == 4 => {
            (number(year)?, number(month)?, 0)
        }
        _ => return Err(form()),
    };
    Ok((calendar(year, month, day)?, warnings))
}

/// `ddmmyyyy` of an ID card; zeros for unknown parts.
pub fn parse_card_date(text: &str) -> Result<PartialDate> {
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(form());
    }
    let number = |part: &str| part.parse::<u16>().map_err(|_| form());
    calendar(number(&text[4..])?, number(&text[2..4])?, number(&text[..2])?)
}

fn read_bare_number(text: &str, warnings: &mut Vec<Warning>) -> Result<Option<PartialDate>> {
    let whole = text.split_once('.').map_or(text, |(whole, fraction)| {
        if whole.len() >= 4 && fraction.bytes().all(|b| b.is_ascii_digit()) { whole } else { text }
    });
    if !whole.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    match (whole.len(), whole.parse::<u32>().map_err(|_| form())?) {
        (8, _) => parse_card_date(whole).map(Some),
        (7, _) => parse_card_date(&format!("0{whole}")).map(Some),
        (4, year @ 1850..=2199) => calendar(year as u16, 0, 0).map(Some),
        // 3654 is 1 January 1910, 73050 the last day of 2099.
        (4 | 5, serial @ 3654..=73050) => {
            warnings.push(SERIAL);
            Ok(Some(of_serial(serial)))
        }
        _ => Err(form()),
    }
}

/// Day 1 is 1 January 1900 and a 29 February 1900 is counted, so from then on day 0 is 30/12/1899.
fn of_serial(serial: u32) -> PartialDate {
    let (mut year, mut left) = (1900_u16, serial - 2);
    loop {
        let length = (1..=12).map(|m| u32::from(month_length(year, m))).sum();
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let mut month = 1_u8;
    while left >= u32::from(month_length(year, month)) {
        left -= u32::from(month_length(year, month));
        month += 1;
    }
    PartialDate { year, month: Some(month), day: Some(left as u8 + 1) }
}

fn full_year(text: &str, latest_year: u16, warnings: &mut Vec<Warning>) -> Result<u16> {
    let number: u16 = text.parse().map_err(|_| form())?;
    match text.len() {
        4 => Ok(number),
        2 => {
            warnings.push(TWO_DIGITS);
            let year = latest_year / 100 * 100 + number;
            Ok(if year > latest_year { year.saturating_sub(100) } else { year })
        }
        _ => Err(form()),
    }
}

fn calendar(year: u16, month: u16, day: u16) -> Result<PartialDate> {
    let small = |number: u16| u8::try_from(number).ok();
    small(month)
        .zip(small(day))
        .and_then(|(month, day)| PartialDate::new(year, month, day))
        .ok_or_else(|| {
            Error::new(
                Kind::Invalid,
                "date.calendar",
                "there is no such day; dates are written day, month, year",
            )
        })
}

fn form() -> Error {
    Error::new(Kind::Malformed, "date.form", "a date is written day/month/year, or as a year")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(text: &str) -> String {
        parse_date(text, 2026).map_or_else(|e| e.code().to_owned(), |(date, _)| date.to_string())
    }

    #[test]
    fn dates_are_read_day_first() {
        for (text, expected) in [
            ("02/01/1990", "1990-01-02"),
            ("2/1/1990", "1990-01-02"),
            ("2-1-90", "1990-01-02"),
            ("2.1.21", "2021-01-02"),
            ("1990", "1990"),
            ("01/1990", "1990-01"),
            ("1990-01-02", "1990-01-02"),
            ("1990-01-02 00:00:00", "1990-01-02"),
            ("1990-01-02T08:30:00Z", "1990-01-02"),
            ("02011990", "1990-01-02"),
            ("2011990", "1990-01-02"),
            ("00001950", "1950"),
            ("00/05/1950", "1950-05"),
            ("00/00/1950", "1950"),
            ("32875", "1990-01-02"),
            ("32875.0", "1990-01-02"),
            ("36525", "1999-12-31"),
            ("44197", "2021-01-01"),
            ("29/02/2000", "2000-02-29"),
            ("29/02/1900", "date.calendar"),
            ("01/13/1990", "date.calendar"),
            ("31/04/1990", "date.calendar"),
            ("05/00/1990", "date.calendar"),
            ("", "date.empty"),
            ("hôm qua", "date.form"),
            ("1/2/3/4", "date.form"),
            ("123", "date.form"),
            ("99999999999999999999", "date.form"),
        ] {
            assert_eq!(iso(text), expected, "{text}");
        }
    }

    #[test]
    fn guesses_are_said() {
        let (date, warnings) = parse_date("1/2/26", 2026).unwrap();
        assert_eq!((date.year, warnings[0].code), (2026, "date.two_digit_year"));
        assert_eq!(parse_date("1/2/27", 2026).unwrap().0.year, 1927);
        assert_eq!(parse_date("32875", 2026).unwrap().1[0].code, "date.serial");
        assert_eq!(parse_date("00/05/1950", 2026).unwrap().0.precision(), Precision::Month);
    }
}
