//! Many images on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::image::View;
use super::read::{Options, Symbol, decode_gray, decode_image};
use crate::error::Result;

/// One image of many.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The bytes of a JPEG or PNG file.
    File(&'a [u8]),
    /// Gray pixels.
    Gray(View<'a>),
}

impl Input<'_> {
    /// Reads every QR symbol of it.
    ///
    /// # Errors
    /// Those of [`decode_image`] and [`decode_gray`].
    pub fn decode(self, options: Options) -> Result<Vec<Symbol>> {
        match self {
            Self::File(data) => decode_image(data, options),
            Self::Gray(view) => decode_gray(view, options),
        }
    }
}

/// Reads many images on `threads` threads; the answers are in the order of the images, and an
/// image that fails does not touch the others.
pub fn decode_many(
    images: &[Input<'_>],
    threads: usize,
    options: Options,
) -> Vec<Result<Vec<Symbol>>> {
    in_order(images, threads, |image| image.decode(options))
}

/// What `work` answers to each of `items`, in their order, on `threads` threads; each takes the
/// next item when it is done with one, since one photo may take as long as a hundred frames.
pub fn in_order<I: Sync, A: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> A + Sync,
) -> Vec<A> {
    let threads = threads.clamp(1, items.len().max(1));
    if threads == 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::with_capacity(items.len()));
    let take_turns = || {
        let mut own = Vec::new();
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(item) = items.get(at)
        {
            own.push((at, work(item)));
        }
        answers.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(take_turns);
        }
        take_turns();
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_unstable_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_in_the_order_of_the_items_whoever_gave_them() {
        let items: Vec<u64> = (0..1000).collect();
        for threads in [1, 2, 7, 2000] {
            let answers = in_order(&items, threads, |&n| {
                // The first of them takes longest.
                (0..(1000 - n) * 50).fold(n, |sum, m| std::hint::black_box(sum ^ m ^ m))
            });
            assert_eq!(answers, items);
        }
        assert!(in_order(&[], 3, |&n: &u64| n).is_empty());
    }
}
