//! One error type for the crate: a kind with a stable code, and a sentence for people.

use std::fmt;

/// What went wrong, coarse enough for a caller to decide what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The input is not of the expected form.
    Malformed,
    /// The input is of a known form, but a value in it is not allowed.
    Invalid,
    /// A stated limit (pixels, bytes, time) was reached before the work was done.
    LimitReached,
    /// A signature or key does not verify.
    Untrusted,
    /// A column or argument is missing or of another type than documented.
    Schema,
}

/// An error with a stable code (`area.reason`, listed beside the code that makes it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    code: &'static str,
    message: String,
}

impl Error {
    /// Makes an error; `code` never changes once published, `message` may.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into() }
    }

    /// The coarse kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence, without the code.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
