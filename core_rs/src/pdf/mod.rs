//! Signed papers by volume: a page that was designed elsewhere, filled and signed per person.
//!
//! * [`font`]: the letters of one paper, as a font file
//! * [`layout`]: which glyphs, how wide, which lines
//! * [`paper`]: one shape of the page, filled: bytes of a PDF file
//! * [`seal`]: the signature patched into its hole
//!
//! A *shape* is the page with a number of lines for every value; the designer (`WeasyPrint`) lays out
//! each shape once. What is written here is what it would have written: same text, same places.

pub mod font;
pub mod layout;
pub mod paper;
pub mod seal;
