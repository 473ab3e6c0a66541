//! Reads and time of the QR decoder alone, without Python in between: for `perf`, and
//! while a change is made.
//!
//! `cargo bench --bench qr -- FOLDER… [fast|thorough]`; a folder has a `manifest.json` as
//! `tram qr score` knows it, and JPEG, PNG or gray PGM (P5) files. `tests/benchmarks/qr/frames.py`
//! writes such folders. Prints exact, missed and wrong reads and milliseconds of each folder: the
//! mean of processor time, and the median and 95th percentile over the images by the clock on the
//! wall, each the best of `ROUNDS` (3). `MISSES=1` names the images that were not read.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints and may stop")]

use std::path::Path;
use std::time::Instant;

use core_rs::qr::image::Gray;
use core_rs::qr::{Input, Mode, Options, decode_many};

#[derive(serde::Deserialize)]
struct Entry {
    file: String,
    expected: Vec<String>,
    codes: usize,
}

/// Processor time of this thread, to the tick of the kernel (a few milliseconds).
fn processor_milliseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-6
}

enum Picture {
    File(Vec<u8>),
    Gray(Gray),
}

fn open(path: &Path) -> Picture {
    let bytes = std::fs::read(path).unwrap();
    if !bytes.starts_with(b"P5") {
        return Picture::File(bytes);
    }
    let mut at = 2;
    let mut number = || {
        at += bytes[at..].iter().position(u8::is_ascii_digit).unwrap();
        let end = at + bytes[at..].iter().position(u8::is_ascii_whitespace).unwrap();
        let value: usize = std::str::from_utf8(&bytes[at..end]).unwrap().parse().unwrap();
        at = end;
        value
    };
    let (width, height, _) = (number(), number(), number());
    Picture::Gray(Gray::new(width, height, bytes[at + 1..].to_vec()).unwrap())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let is_mode = |a: &String| a == "fast" || a == "thorough";
    let modes = match arguments.iter().find(|a| is_mode(a)) {
        Some(mode) if mode == "fast" => vec![Mode::Fast],
        Some(_) => vec![Mode::Thorough],
        None => vec![Mode::Fast, Mode::Thorough],
    };
    let rounds = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(3_usize);
    let shows_misses = std::env::var("MISSES").is_ok();
    for mode in modes {
        let options = Options { mode, ..Options::default() };
        let mut all = [0_usize; 3];
        let mut every = Vec::new();
        let mut means = 0.0;
        for folder in arguments.iter().filter(|a| !is_mode(a)) {
            let folder = Path::new(folder);
            let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
            let entries: Vec<Entry> = serde_json::from_str(&text).unwrap();
            let mut times = Vec::new();
            let mut counts = [0_usize; 3];
            let pictures: Vec<_> = entries.iter().map(|e| open(&folder.join(&e.file))).collect();
            let begun = processor_milliseconds();
            for (entry, picture) in entries.iter().zip(&pictures) {
                let input = match picture {
                    Picture::File(bytes) => Input::File(bytes),
                    Picture::Gray(gray) => Input::Gray(gray.view()),
                };
                let mut best = f64::MAX;
                let mut texts = Vec::new();
                for _ in 0..rounds {
                    let start = Instant::now();
                    let answer = decode_many(&[input], 1, options);
                    best = best.min(start.elapsed().as_secs_f64() * 1e3);
                    let symbols = answer.into_iter().flatten().flatten();
                    texts = symbols.filter_map(|s| s.text).collect::<Vec<_>>();
                }
                let read = texts.len();
                let mut exact = 0;
                for wanted in &entry.expected {
                    if let Some(at) = texts.iter().position(|t| t == wanted) {
                        texts.swap_remove(at);
                        exact += 1;
                    }
                }
                let unknown = entry.codes - entry.expected.len();
                let wrong = (read - exact).saturating_sub(unknown);
                let missed = entry.expected.len() - exact;
                if shows_misses && missed + wrong > 0 {
                    println!("  {}: {missed} missed, {wrong} wrong, {best:.2} ms", entry.file);
                }
                for (sum, n) in counts.iter_mut().zip([exact, missed, wrong]) {
                    *sum += n;
                }
                times.push(best);
            }
            let mean = (processor_milliseconds() - begun) / (entries.len() * rounds) as f64;
            means += mean * entries.len() as f64;
            print(&folder.file_name().unwrap().to_string_lossy(), mode, counts, mean, &mut times);
            for (sum, n) in all.iter_mut().zip(counts) {
                *sum += n;
            }
            every.append(&mut times);
        }
        let mean = means / every.len() as f64;
        print("all", mode, all, mean, &mut every);
    }
}

fn print(name: &str, mode: Mode, [exact, missed, wrong]: [usize; 3], mean: f64, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    let share = 100.0 * exact as f64 / (exact + missed).max(1) as f64;
    println!(
        "{name:20} {mode:?}: exact {exact:5} ({share:5.1} %), missed {missed:4}, wrong {wrong:2}; \
         ms mean {mean:7.3} median {:7.3} p95 {:7.3}",
        at(50),
        at(95)
    );
}
