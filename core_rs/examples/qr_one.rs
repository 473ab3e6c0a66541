#![allow(clippy::all, clippy::pedantic, missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use core_rs::qr::{Mode, Options, decode_gray, decode_image, image::View};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let o = Options {
        mode: if a.len() > 2 { Mode::Thorough } else { Mode::Fast },
        ..Options::default()
    };
    let t = std::time::Instant::now();
    let r = if a[1].contains('/') {
        let p = std::fs::read(&a[1]).unwrap();
        decode_image(&p, o)
    } else {
        let p = std::fs::read(format!("/tmp/qrframes/{}.gray", a[1])).unwrap();
        decode_gray(View::new(640, 480, &p).unwrap(), o)
    };
    println!("{:?} {:?}", r.map(|r| r.len()), t.elapsed());
}
