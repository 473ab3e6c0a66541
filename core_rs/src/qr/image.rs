//! Gray pixels, one byte each, row by row.

use crate::error::{Error, Kind, Result};

/// A gray image that owns its pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gray {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Gray {
    /// Takes `width * height` pixels, row by row.
    ///
    /// # Errors
    /// `qr.shape` if the count of pixels is another.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self> {
        if width.checked_mul(height) != Some(pixels.len()) {
            return Err(Error::new(
                Kind::Malformed,
                "qr.shape",
                format!("{width} × {height} pixels were named, and {} came", pixels.len()),
            ));
        }
        Ok(Self { width, height, pixels })
    }

    /// The borrowed form, which every stage takes.
    pub fn view(&self) -> View<'_> {
        View { width: self.width, height: self.height, pixels: &self.pixels }
    }
}

/// A gray image borrowed from elsewhere; rows follow each other without padding.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    width: usize,
    height: usize,
    pixels: &'a [u8],
}

impl<'a> View<'a> {
    /// Borrows `width * height` pixels; `None` if the count is another.
    #[inline]
    pub fn new(width: usize, height: usize, pixels: &'a [u8]) -> Option<Self> {
        (width.checked_mul(height) == Some(pixels.len())).then_some(Self { width, height, pixels })
    }

    /// Columns.
    #[inline]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[inline]
    pub fn height(&self) -> usize {
        self.height
    }

    /// All pixels, row by row.
    #[inline]
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    /// One row.
    #[inline]
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.pixels[y * self.width..(y + 1) * self.width]
    }

    /// Dark for light.
    pub fn inverted(&self) -> Gray {
        let pixels = self.pixels.iter().map(|p| 255 - p).collect();
        Gray { width: self.width, height: self.height, pixels }
    }

    /// Twice the width and height, each pixel four times.
    pub fn doubled(&self) -> Gray {
        let (width, height) = (self.width * 2, self.height * 2);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            pixels.extend(self.row(y / 2).iter().flat_map(|&p| [p, p]));
        }
        Gray { width, height, pixels }
    }

    /// Half the width and height, each pixel the mean of four; an odd last row or column
    /// is left out. Means keep thin modules visible, where dropping pixels would alias them.
    pub fn halved(&self) -> Gray {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(width * height);
        let mut means = vec![0_u8; self.width];
        for y in 0..height {
            // Rounded up over the rows and down over the columns: no wider type is needed, and on
            // average nothing gets lighter or darker.
            for ((mean, a), b) in means.iter_mut().zip(self.row(2 * y)).zip(self.row(2 * y + 1)) {
                *mean = (a | b).wrapping_sub((a ^ b) >> 1);
            }
            pixels.extend(means.as_chunks().0.iter().map(|&pair| {
                let pair = u16::from_le_bytes(pair);
                ((pair & 0xFF).wrapping_add(pair >> 8) >> 1) as u8
            }));
        }
        Gray { width, height, pixels }
    }
}
