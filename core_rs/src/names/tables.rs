//! The reference tables, compiled in. Each file says its source in its first line.

/// TCVN3 byte → letter.
pub(super) const TCVN3: &str = include_str!("tables/tcvn3_unicode.csv");
/// VNI sequence → letter.
pub(super) const VNI: &str = include_str!("tables/vni_unicode.csv");
/// Old four-digit mobile prefix → new three-digit prefix.
pub(super) const PHONE_MIGRATION: &str = include_str!("tables/phone_migration_2018.csv");
/// Mobile prefixes in use.
pub(super) const PHONE_PREFIXES: &str = include_str!("tables/phone_prefixes.csv");
/// Provinces of before 1 July 2025, by the code on the ID card.
pub(super) const PROVINCES: &str = include_str!("tables/provinces63.csv");
/// Old and new tone placement; the rule in `syllable` is tested against it.
#[cfg(test)]
pub(super) const TONE_PLACEMENT: &str = include_str!("tables/tone_placement_old_new.csv");

/// The rows of a table below its source comment and heading, split at commas.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.filter(|line| !line.is_empty()).map(|line| line.split(',').collect())
}
