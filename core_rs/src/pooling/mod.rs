//! Pools: design, matching results to people, decoding, prevalence.
