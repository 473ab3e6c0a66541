//! QR codes: image to text, text to typed payload. This file is the table of contents.
//!
//! From the file inwards:
//! * `image`: gray pixels, borrowed and owned
//! * `load`: JPEG and PNG to gray pixels, with limits; `exif`: the orientation of a photo
//! * `read`: the doors `decode_image` and `decode_gray`, and the order of stages; `many`: on threads
//! * `level`: one scale of an image, searched once
//! * `threshold`, `line`, `finder`, `triple`, `pair`: where symbols may be
//! * `geometry`, `grid`, `timing`, `alignment`, `curve`, `sampler`: where the modules of one symbol are
//! * `soft`: how dark each module is, blur and light taken out
//! * `symbol`: one guess, read with growing effort
//! * `layout`, `codewords`, `reed_solomon`, `bits`: from modules to bytes
//! * `text`: which characters the bytes mean
//! * `zxing`: zxing-cpp as a late stage
//! * `write`: text → symbol
//! * [`payload`]: text → typed payload

mod alignment;
mod bits;
mod codewords;
mod curve;
mod exif;
mod finder;
mod geometry;
mod grid;
pub mod image;
mod layout;
mod level;
mod line;
mod load;
mod many;
mod pair;
pub mod payload;
mod read;
mod reed_solomon;
mod sampler;
mod soft;
mod symbol;
mod text;
mod threshold;
mod timing;
mod triple;
mod write;
mod zxing;

pub use write::{Modules, write};

pub use many::{Input, decode_many, in_order};
pub use read::{
    DEFAULT_DEADLINE, DEFAULT_MAX_PIXELS, Mode, Options, Symbol, decode_gray, decode_image,
};
