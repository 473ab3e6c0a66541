#![allow(clippy::all, clippy::pedantic, missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use core_rs::qr::{Mode, Options, decode_gray, image::View};
fn cpu() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1e6
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let mode =
        if a.get(1).map(|s| s == "t").unwrap_or(false) { Mode::Thorough } else { Mode::Fast };
    let n: usize = a.get(2).map(|s| s.parse().unwrap()).unwrap_or(250);
    let verbose = a.get(3).is_some_and(|s| s == "v");
    let reps: usize = std::env::var("REPS").map(|s| s.parse().unwrap()).unwrap_or(1);
    let o = Options { mode, ..Options::default() };
    let (mut tot, mut ok_all) = (0.0, 0);
    let only: Option<usize> = a.get(4).map(|s| s.parse().unwrap());
    for l in 0..4 {
        if only.is_some_and(|o| o != l) {
            continue;
        }
        let (mut ok, mut wrong) = (0, 0);
        let mut ts = vec![];
        for i in 0..n {
            let Ok(p) = std::fs::read(format!("/tmp/qrframes/{l}_{i:04}.gray")) else { continue };
            let t = std::fs::read_to_string(format!("/tmp/qrframes/{l}_{i:04}.txt")).unwrap();
            let v = View::new(640, 480, &p).unwrap();
            let t0 = cpu();
            let mut r = vec![];
            for _ in 0..reps {
                r = decode_gray(v, o).unwrap_or_default();
            }
            ts.push((cpu() - t0) / reps as f64);
            let mut hit = false;
            for s in &r {
                if s.text.as_deref() == Some(t.as_str()) {
                    hit = true
                } else {
                    wrong += 1;
                }
            }
            ok += hit as usize;
            if verbose {
                println!("{l}_{i:04} {}", if hit { "ok" } else { "MISS" });
            }
        }
        tot += ts.iter().sum::<f64>();
        ok_all += ok;
        ts.sort_by(f64::total_cmp);
        println!(
            "L{l}: {:.1}% wrong {wrong} mean {:.3} med {:.3} p95 {:.3}",
            100.0 * ok as f64 / ts.len() as f64,
            ts.iter().sum::<f64>() / ts.len() as f64,
            ts[ts.len() / 2],
            ts[ts.len() * 95 / 100]
        );
    }
    println!(
        "all {:.2}% mean {:.3} ms",
        100.0 * ok_all as f64 / (4 * n) as f64,
        tot / (4 * n) as f64
    );
}
