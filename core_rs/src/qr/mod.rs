//! QR codes: image to text, text to typed payload. This file is the table of contents.
//!
//! * `image`: gray pixels, borrowed and owned
//! * `load`: JPEG and PNG to gray pixels, with limits; `exif`: the orientation of a photo
//! * [`payload`]: text → typed payload
//! * `read`: the doors `decode_image`, `decode_gray`, `decode_many`, and the order of stages
//! * `text`: which characters the bytes of a symbol mean
//! * `zxing`: zxing-cpp as a stage

mod exif;
pub mod image;
mod load;
pub mod payload;
mod read;
mod text;
mod zxing;

pub use read::{
    DEFAULT_DEADLINE, DEFAULT_MAX_PIXELS, Input, Mode, Options, Symbol, decode_gray, decode_image,
    decode_many,
};
