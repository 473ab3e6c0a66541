//! JPEG and PNG files to gray pixels, never more of them than allowed.

use std::io::Cursor;

use png::{ColorType, InterlaceInfo, Transformations, expand_interlaced_row};
use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat, ScalingFactor};

use super::exif::Orientation;
use super::image::Gray;
use crate::error::{Error, Kind, Result};

/// More progressive scans than any camera writes are an attack on the reader's time
/// (libjpeg-turbo, "Two Issues with the JPEG Standard"): every scan visits every pixel, so that
/// large pictures may have fewer of them. Encoders write up to a dozen.
const MAX_JPEG_SCANS: usize = 100;
const LEAST_MAX_JPEG_SCANS: usize = 20;
const MAX_SCANNED_PIXELS: usize = 400_000_000;

/// A file whose kind and size are known, and whose pixels are not decoded yet.
pub(super) struct Source<'a> {
    data: &'a [u8],
    format: Format,
    width: usize,
    height: usize,
    orientation: Orientation,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Jpeg,
    Png,
}

impl<'a> Source<'a> {
    /// Reads the header only.
    ///
    /// # Errors
    /// `qr.empty_file`, `qr.unknown_format`, `qr.damaged_jpeg`, `qr.damaged_png`,
    /// `qr.too_many_pixels`.
    pub(super) fn open(data: &'a [u8], max_pixels: usize) -> Result<Self> {
        let (format, (width, height)) = if data.is_empty() {
            return Err(Error::new(Kind::Malformed, "qr.empty_file", "The file is empty."));
        } else if data.starts_with(&[0xFF, 0xD8]) {
            (Format::Jpeg, jpeg_size(data)?)
        } else if data.starts_with(b"\x89PNG\r\n\x1a\n") {
            (Format::Png, png_size(data)?)
        } else {
            return Err(Error::new(
                Kind::Malformed,
                "qr.unknown_format",
                "The file is neither a JPEG nor a PNG image.",
            ));
        };
        check_size(width, height, max_pixels)?;
        let orientation = match format {
            Format::Jpeg => Orientation::of_jpeg(data),
            Format::Png => Orientation::UPRIGHT,
        };
        Ok(Self { data, format, width, height, orientation })
    }

    /// Columns of the stored picture.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Rows of the stored picture.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Whether a smaller picture costs less than the whole one.
    pub(super) fn scales_cheaply(&self) -> bool {
        self.format == Format::Jpeg
    }

    /// Decodes at 1/1, or for JPEG at 1/2, 1/4 or 1/8 of width and height.
    pub(super) fn gray(&self, shrink: usize) -> Result<Gray> {
        match self.format {
            Format::Jpeg => jpeg_gray(self.data, shrink),
            Format::Png => png_gray(self.data),
        }
    }
}

/// An image must have pixels, and no more than `max_pixels` of them.
pub(super) fn check_size(width: usize, height: usize, max_pixels: usize) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::new(Kind::Malformed, "qr.no_pixels", "The image has no pixels."));
    }
    if width.checked_mul(height).is_none_or(|pixels| pixels > max_pixels) {
        return Err(Error::new(
            Kind::LimitReached,
            "qr.too_many_pixels",
            format!("The image has {width} × {height} pixels; at most {max_pixels} are read."),
        ));
    }
    Ok(())
}

fn damaged_jpeg(problem: &turbojpeg::Error) -> Error {
    Error::new(
        Kind::Malformed,
        "qr.damaged_jpeg",
        format!("The JPEG image cannot be read: {problem}."),
    )
}

fn damaged_png(problem: &png::DecodingError) -> Error {
    Error::new(
        Kind::Malformed,
        "qr.damaged_png",
        format!("The PNG image cannot be read: {problem}."),
    )
}

fn jpeg_size(data: &[u8]) -> Result<(usize, usize)> {
    let mut decoder = Decompressor::new().map_err(|e| damaged_jpeg(&e))?;
    let header = decoder.read_header(data).map_err(|e| damaged_jpeg(&e))?;
    Ok((header.width, header.height))
}

fn jpeg_gray(data: &[u8], shrink: usize) -> Result<Gray> {
    let decode = || -> std::result::Result<Gray, turbojpeg::Error> {
        let mut decoder = Decompressor::new()?;
        let mut header = decoder.read_header(data)?;
        let most = MAX_SCANNED_PIXELS / (header.width * header.height).max(1);
        decoder.set_scan_limit(most.clamp(LEAST_MAX_JPEG_SCANS, MAX_JPEG_SCANS) as u32)?;
        if !header.is_lossless {
            let factor = ScalingFactor::new(1, shrink);
            decoder.set_scaling_factor(factor)?;
            header = header.scaled(factor);
        }
        let (width, height) = (header.width, header.height);
        // Printers' colours have no luma to take: all four come, and are mixed here.
        let is_printers = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
        let (format, depth) =
            if is_printers { (PixelFormat::CMYK, 4) } else { (PixelFormat::GRAY, 1) };
        let mut pixels = vec![0; width * height * depth];
        let pitch = width * depth;
        let target = Image { pixels: pixels.as_mut_slice(), width, pitch, height, format };
        // A photo cut off in transfer still shows its upper part: what was decoded is kept.
        let answer = decoder.decompress(data, target);
        if let Err(problem) = answer
            && pixels.iter().all(|&p| p == 0)
        {
            return Err(problem);
        }
        if is_printers {
            pixels = pixels.chunks_exact(4).map(of_printers).collect();
        }
        Ok(Gray::new(width, height, pixels).unwrap_or_else(|_| unreachable!()))
    };
    decode().map_err(|e| damaged_jpeg(&e))
}

/// Cyan, magenta, yellow and black, stored as light left over (as Adobe writes them), to luma.
fn of_printers(p: &[u8]) -> u8 {
    ((luma(p) * u32::from(p[3]) + 127) / 255) as u8
}

fn png_reader(data: &[u8]) -> png::Decoder<Cursor<&[u8]>> {
    // Ancillary chunks (profiles, texts) are skipped: they can only cost memory.
    let mut decoder = png::Decoder::new(Cursor::new(data));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder
}

fn png_size(data: &[u8]) -> Result<(usize, usize)> {
    let mut decoder = png_reader(data);
    let info = decoder.read_header_info().map_err(|e| damaged_png(&e))?;
    Ok((info.width as usize, info.height as usize))
}

/// Row by row, so that a picture of many channels needs no more memory than its gray values.
fn png_gray(data: &[u8]) -> Result<Gray> {
    let mut reader = png_reader(data).read_info().map_err(|e| damaged_png(&e))?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let (color, _) = reader.output_color_type();
    let mut pixels = vec![0; width * height];
    let mut row = Vec::with_capacity(width);
    let mut y = 0;
    while let Some(coded) = reader.next_interlaced_row().map_err(|e| damaged_png(&e))? {
        let coded_row = coded.data();
        row.clear();
        match color {
            ColorType::GrayscaleAlpha => row.extend(
                coded_row.as_chunks().0.iter().map(|&[v, alpha]| on_white(u32::from(v), alpha)),
            ),
            ColorType::Rgb => row.extend(coded_row.chunks_exact(3).map(|p| luma(p) as u8)),
            ColorType::Rgba => {
                row.extend(coded_row.chunks_exact(4).map(|p| on_white(luma(p), p[3])));
            }
            ColorType::Grayscale | ColorType::Indexed => row.extend_from_slice(coded_row),
        }
        if let InterlaceInfo::Adam7(place) = coded.interlace() {
            expand_interlaced_row(&mut pixels, width, &row, place, 8);
        } else if let Some(target) = pixels.get_mut(y * width..(y + 1) * width) {
            target.copy_from_slice(&row[..width]);
            y += 1;
        }
    }
    Gray::new(width, height, pixels)
}

/// Luma of ITU-R BT.601, as JPEG has it.
fn luma(p: &[u8]) -> u32 {
    (299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2]) + 500) / 1000
}

/// A see-through pixel as it looks on white paper.
fn on_white(value: u32, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
