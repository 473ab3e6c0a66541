//! Points, and the map from modules of a symbol to pixels of an image.

/// x to the right, y down.
pub(super) type Point = [f32; 2];

#[inline]
pub(super) fn add(a: Point, b: Point) -> Point {
    [a[0] + b[0], a[1] + b[1]]
}

#[inline]
pub(super) fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

#[inline]
pub(super) fn scaled(a: Point, factor: f32) -> Point {
    [a[0] * factor, a[1] * factor]
}

#[inline]
pub(super) fn length(a: Point) -> f32 {
    (a[0] * a[0] + a[1] * a[1]).sqrt()
}

#[inline]
pub(super) fn cross(a: Point, b: Point) -> f32 {
    a[0] * b[1] - a[1] * b[0]
}

/// Whether a point lies within four corners, whichever way round they go.
pub(super) fn is_within(corners: &[Point; 4], point: Point) -> bool {
    let sides = corners.iter().zip(corners.iter().cycle().skip(1));
    let count = sides.filter(|&(&a, &b)| cross(sub(b, a), sub(point, a)) > 0.0).count();
    count == 0 || count == 4
}

/// A plane seen in perspective: `(a·u + b·v + c) / (g·u + h·v + 1)` and the same for y.
///
/// It is written from the three finders and the two numbers g and h, since those are what the
/// stages of the search learn one after the other. Modules are counted from the top left corner of
/// the symbol; finder centres are 3.5 modules in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane {
    a: Point,
    b: Point,
    c: Point,
    g: f32,
    h: f32,
}

impl Plane {
    /// The plane through the finder centres; `g` and `h` are the change of depth over the
    /// distance between two of them, along the upper and the left side.
    pub(super) fn through(centres: [Point; 3], size: usize, g: f32, h: f32) -> Self {
        Self::of_span(centres, size as f32 - 7.0, g, h)
    }

    /// The same with the measured modules between two finder centres, not yet a whole number.
    pub(super) fn of_span(
        [top_left, top_right, bottom_left]: [Point; 3],
        span: f32,
        g: f32,
        h: f32,
    ) -> Self {
        let a = scaled(sub(scaled(top_right, 1.0 + g), top_left), 1.0 / span);
        let b = scaled(sub(scaled(bottom_left, 1.0 + h), top_left), 1.0 / span);
        let (g, h) = (g / span, h / span);
        // Move the origin from the finder's centre to the corner of the symbol.
        let depth = 1.0 - 3.5 * (g + h);
        let c = sub(top_left, scaled(add(a, b), 3.5));
        let k = 1.0 / depth;
        Self { a: scaled(a, k), b: scaled(b, k), c: scaled(c, k), g: g * k, h: h * k }
    }

    /// Where a point of the symbol lies in the image.
    #[inline]
    pub(super) fn at(&self, u: f32, v: f32) -> Point {
        let k = 1.0 / (self.g * u + self.h * v + 1.0);
        [
            (self.a[0] * u + self.b[0] * v + self.c[0]) * k,
            (self.a[1] * u + self.b[1] * v + self.c[1]) * k,
        ]
    }

    /// Whether the whole symbol is in front of the camera and not folded.
    pub(super) fn is_sound(&self, size: usize) -> bool {
        let s = size as f32;
        [self.g * s, self.h * s, (self.g + self.h) * s].iter().all(|w| *w > -0.85 && *w < 6.0)
    }
}

/// The depth changes g and h for which the plane through the finders puts `(u, v)` at `seen`.
pub(super) fn depth_from(
    [top_left, top_right, bottom_left]: [Point; 3],
    size: usize,
    (u, v): (f32, f32),
    seen: Point,
) -> Option<(f32, f32)> {
    let span = size as f32 - 7.0;
    let (u, v) = ((u - 3.5) / span, (v - 3.5) / span);
    // seen·(1 + g·u + h·v) = TL + u·((1+g)·TR − TL) + v·((1+h)·BL − TL), linear in g and h.
    let p = scaled(sub(seen, top_right), u);
    let q = scaled(sub(seen, bottom_left), v);
    let flat = add(
        top_left,
        add(scaled(sub(top_right, top_left), u), scaled(sub(bottom_left, top_left), v)),
    );
    let r = sub(flat, seen);
    let determinant = cross(p, q);
    if determinant.abs() < 1e-6 * length(p) * length(q) || determinant == 0.0 {
        return None;
    }
    Some((cross(r, q) / determinant, cross(p, r) / determinant))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "the points are not in a line")]
mod tests {
    use super::*;

    fn is_near(a: Point, b: Point) -> bool {
        length(sub(a, b)) < 1e-2
    }

    #[test]
    fn finders_lie_where_they_were_seen() {
        let seen = [[10.0, 20.0], [200.0, 40.0], [30.0, 180.0]];
        for (g, h) in [(0.0, 0.0), (0.2, -0.1)] {
            let plane = Plane::through(seen, 41, g, h);
            assert!(is_near(plane.at(3.5, 3.5), seen[0]));
            assert!(is_near(plane.at(37.5, 3.5), seen[1]));
            assert!(is_near(plane.at(3.5, 37.5), seen[2]));
        }
    }

    #[test]
    fn depth_is_found_again_from_a_fourth_point() {
        let seen = [[10.0, 20.0], [200.0, 40.0], [30.0, 180.0]];
        let plane = Plane::through(seen, 41, 0.2, -0.1);
        let (g, h) = depth_from(seen, 41, (34.5, 34.5), plane.at(34.5, 34.5)).unwrap();
        assert!((g - 0.2).abs() < 1e-3 && (h + 0.1).abs() < 1e-3);
    }
}
