"""The six errors a service may raise; `portal.web` turns them into answers in one place."""

from collections.abc import Sequence


class DomainError(Exception):
    """Something the user must know. `message` is a plain sentence, `code` is stable."""

    status = 400

    def __init__(self, message: str, *, code: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__.lower()
        self.details = tuple(details)


class Invalid(DomainError):
    """The input breaks a rule; `details` names every problem, not only the first."""

    status = 422


class NotFound(DomainError):
    """There is no such thing, or not for this actor: the two are never told apart."""

    status = 404


class Forbidden(DomainError):
    """The actor is known and may not do this."""

    status = 403


class Conflict(DomainError):
    """The thing is no longer in the state that this step needs."""

    status = 409


class TooMany(DomainError):
    """A limit was reached; `retry_after_seconds` says when to come back."""

    status = 429

    def __init__(self, message: str, *, retry_after_seconds: int, code: str = "") -> None:
        super().__init__(message, code=code)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(DomainError):
    """A part that this step needs does not answer now; nothing was lost."""

    status = 503
