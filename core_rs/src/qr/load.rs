//! JPEG and PNG files to gray pixels, never more of them than allowed.

use std::io::Cursor;

use png::{ColorType, Transformations};
use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};

use super::exif::Orientation;
use super::image::Gray;
use crate::error::{Error, Kind, Result};

/// More progressive scans than any camera writes are an attack on the reader's time
/// (libjpeg-turbo, "Two Issues with the JPEG Standard").
const MAX_JPEG_SCANS: u32 = 100;

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
        decoder.set_scan_limit(MAX_JPEG_SCANS)?;
        let mut header = decoder.read_header(data)?;
        if !header.is_lossless {
            let factor = ScalingFactor::new(1, shrink);
            decoder.set_scaling_factor(factor)?;
            header = header.scaled(factor);
        }
        let (width, height) = (header.width, header.height);
        let mut pixels = vec![0; width * height];
        let target = Image {
            pixels: pixels.as_mut_slice(),
            width,
            pitch: width,
            height,
            format: PixelFormat::GRAY,
        };
        // A photo cut off in transfer still shows its upper part: what was decoded is kept.
        match decoder.decompress(data, target) {
            Err(problem) if pixels.iter().all(|&p| p == 0) => Err(problem),
            _ => Ok(Gray::new(width, height, pixels).unwrap_or_else(|_| unreachable!())),
        }
    };
    decode().map_err(|e| damaged_jpeg(&e))
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

fn png_gray(data: &[u8]) -> Result<Gray> {
    let mut reader = png_reader(data).read_info().map_err(|e| damaged_png(&e))?;
    let size = reader.output_buffer_size().unwrap_or(0);
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes).map_err(|e| damaged_png(&e))?;
    bytes.truncate(info.buffer_size());
    let pixels = match info.color_type {
        ColorType::GrayscaleAlpha => {
            bytes.chunks_exact(2).map(|p| on_white(u32::from(p[0]), p[1])).collect()
        }
        ColorType::Rgb => bytes.chunks_exact(3).map(|p| luma(p) as u8).collect(),
        ColorType::Rgba => bytes.chunks_exact(4).map(|p| on_white(luma(p), p[3])).collect(),
        ColorType::Grayscale | ColorType::Indexed => bytes,
    };
    Gray::new(info.width as usize, info.height as usize, pixels)
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
