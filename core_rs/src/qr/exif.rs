//! The orientation tag of a JPEG photo (EXIF 2.32, tag 0x0112), and what it does to a point.

/// How stored pixels turn into the upright picture; the numbers are EXIF's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Orientation {
    /// Stored as seen.
    pub(super) const UPRIGHT: Self = Self(1);

    /// Finds the tag in the first Exif segment before the scan; upright if there is none or it is
    /// damaged, since the code can be read either way and only the corners depend on it.
    pub(super) fn of_jpeg(data: &[u8]) -> Self {
        find_exif(data).and_then(find_tag).map_or(Self::UPRIGHT, Self)
    }

    /// Where a point of the stored picture of this size lies in the upright one.
    pub(super) fn upright(self, [x, y]: [f32; 2], width: f32, height: f32) -> [f32; 2] {
        match self.0 {
            2 => [width - x, y],
            3 => [width - x, height - y],
            4 => [x, height - y],
            5 => [y, x],
            6 => [height - y, x],
            7 => [height - y, width - x],
            8 => [y, width - x],
            _ => [x, y],
        }
    }
}

/// The TIFF part of the Exif segment.
fn find_exif(data: &[u8]) -> Option<&[u8]> {
    let mut rest = data.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let [0xFF, marker, tail @ ..] = rest else { return None };
        match marker {
            0xFF => rest = &rest[1..],
            0xD8 | 0x01 | 0xD0..=0xD7 => rest = tail,
            0xD9 | 0xDA => return None,
            _ => {
                let length = usize::from(u16::from_be_bytes([*tail.first()?, *tail.get(1)?]));
                let segment = tail.get(2..length)?;
                if *marker == 0xE1 && segment.starts_with(b"Exif\0\0") {
                    return Some(&segment[6..]);
                }
                rest = tail.get(length..)?;
            }
        }
    }
}

fn find_tag(tiff: &[u8]) -> Option<u8> {
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = [*tiff.get(at)?, *tiff.get(at + 1)?];
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let (a, b) = (u32::from(short(at)?), u32::from(short(at + 2)?));
        usize::try_from(if little { b << 16 | a } else { a << 16 | b }).ok()
    };
    let directory = long(4)?;
    for entry in 0..usize::from(short(directory)?) {
        let at = directory.checked_add(2 + 12 * entry)?;
        if short(at)? == 0x0112 {
            let value = short(at + 8)?;
            return (1..=8).contains(&value).then_some(value as u8);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg_with(value: u16, little: bool) -> Vec<u8> {
        let mut tiff = if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        let short = |v: u16| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let long = |v: u32| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        tiff.extend(long(8));
        tiff.extend(short(1));
        tiff.extend([short(0x0112), short(3)].concat());
        tiff.extend(long(1));
        tiff.extend([short(value), short(0)].concat());
        tiff.extend(long(0));
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 9, 9, 0xFF, 0xE1];
        jpeg.extend(((tiff.len() + 8) as u16).to_be_bytes());
        jpeg.extend(b"Exif\0\0");
        jpeg.extend(tiff);
        jpeg
    }

    #[test]
    fn the_tag_is_found_in_either_byte_order() {
        for value in 1..=8 {
            for little in [true, false] {
                let found = Orientation::of_jpeg(&jpeg_with(value, little));
                assert_eq!(found, Orientation(value as u8));
            }
        }
    }

    #[test]
    fn damage_means_upright() {
        let whole = jpeg_with(6, true);
        for end in 0..whole.len() - 6 {
            assert_eq!(Orientation::of_jpeg(&whole[..end]), Orientation::UPRIGHT);
        }
        assert_eq!(Orientation::of_jpeg(&jpeg_with(9, true)), Orientation::UPRIGHT);
    }

    #[test]
    fn a_phone_held_upright_turns_a_quarter_to_the_right() {
        // Orientation 6: the stored top left is seen at the top right.
        let seen_at = |value, point| {
            let [x, y] = Orientation(value).upright(point, 40.0, 30.0);
            (x as i32, y as i32)
        };
        assert_eq!(seen_at(6, [0.0, 0.0]), (30, 0));
        assert_eq!(seen_at(8, [0.0, 0.0]), (0, 40));
    }
}
