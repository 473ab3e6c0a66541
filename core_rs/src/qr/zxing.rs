//! zxing-cpp as a stage: the anchor among open decoders.

use zxingcpp::{BarcodeFormat, BarcodeReader, ImageFormat, ImageView, TextMode};

use super::image::View;
use super::read::Symbol;
use super::text::{Evidence, read_text};

/// Reads every QR code (model 2) of the image.
///
/// Not the whole family of that name: a Micro QR code has one finder and so little redundancy that
/// random modules pass for one, and nothing in the field is printed as one.
///
/// An image the library refuses has no symbols for us: it only refuses sizes beyond its integers.
pub(super) fn read(view: View<'_>) -> Vec<Symbol> {
    let reader = BarcodeReader::new()
        .formats(BarcodeFormat::QRCodeModel2)
        .try_harder(true)
        .try_rotate(true)
        .try_invert(true)
        .try_downscale(true)
        .text_mode(TextMode::Plain);
    let Ok(image) =
        ImageView::from_slice(view.pixels(), view.width(), view.height(), ImageFormat::Lum)
    else {
        return Vec::new();
    };
    let found = reader.from(&image).unwrap_or_default();
    found.iter().filter(|barcode| barcode.is_valid()).map(to_symbol).collect()
}

fn to_symbol(barcode: &zxingcpp::Barcode) -> Symbol {
    let raw = barcode.bytes();
    let eci = barcode.has_eci().then(|| declared_eci(&barcode.bytes_eci())).flatten();
    let text = read_text(&raw, Evidence { eci, has_kanji: false });
    let at = barcode.position();
    let corners = [at.top_left, at.top_right, at.bottom_right, at.bottom_left]
        .map(|p| [p.x as f32, p.y as f32]);
    Symbol { raw, text, corners }
}

/// The one ECI of `]Qn\nnnnnn…`, the AIM form with an escaped number before each part.
fn declared_eci(bytes: &[u8]) -> Option<u32> {
    let mut found = None;
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&b| b == b'\\') {
        rest = &rest[at + 1..];
        if rest.first() == Some(&b'\\') {
            rest = &rest[1..];
            continue;
        }
        let number = std::str::from_utf8(rest.get(..6)?).ok()?.parse().ok()?;
        if found.is_some_and(|other| other != number) {
            return None;
        }
        found = Some(number);
    }
    found
}
