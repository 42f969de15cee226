"""Every error the server raises on purpose, and the HTTP status each maps to.

ComposureError
├── BadRequest          400  malformed input
│   └── FieldErrors     400  a form with unusable fields; carries {field: message}
├── NotAuthenticated    401  no or invalid credentials
├── Forbidden           403  known, but not entitled
├── NotFound            404  does not exist, or must not be known to exist
├── TooSlow             408  the body did not come in time
├── Conflict            409  the state does not allow it now
├── Gone                410  expired or ended
├── TooLarge            413  body over the limit
├── UnsupportedMedia    415  wrong content type
├── Unprocessable       422  well-formed but unusable (codec, SDP)
├── TooManyRequests     429  rate limit; carries retry_after_s
├── Unavailable         503  full or draining; carries retry_after_s
└── CannotStart         –    the database does not answer, is another server's, or was made by a newer version

Messages are written for the person who reads them and hold no personal data, token or SDP.
"""

from collections.abc import Mapping


class ComposureError(Exception):
    """Base of all deliberate errors."""

    status = 500

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class BadRequest(ComposureError):
    """Malformed input."""

    status = 400


class FieldErrors(BadRequest):
    """A form with unusable fields."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class NotAuthenticated(ComposureError):
    """No or invalid credentials."""

    status = 401


class Forbidden(ComposureError):
    """Known, but not entitled."""

    status = 403


class NotFound(ComposureError):
    """Does not exist, or must not be known to exist."""

    status = 404


class TooSlow(ComposureError):
    """The body did not come in time."""

    status = 408


class Conflict(ComposureError):
    """The present state does not allow it."""

    status = 409


class Gone(ComposureError):
    """Expired or ended."""

    status = 410


class TooLarge(ComposureError):
    """Body over the limit."""

    status = 413


class UnsupportedMedia(ComposureError):
    """Wrong content type."""

    status = 415


class Unprocessable(ComposureError):
    """Well-formed but unusable."""

    status = 422


class TooManyRequests(ComposureError):
    """Rate limit."""

    status = 429


class Unavailable(ComposureError):
    """Full or draining."""

    status = 503


class CannotStart(ComposureError):
    """The database does not answer, is another server's, or was made by a newer version."""
