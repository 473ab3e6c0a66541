//! Who is who: scoring, blocking, clustering, the incremental person index.
