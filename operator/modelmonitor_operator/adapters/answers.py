"""What an answer of the API server means: its body, or one of our errors."""

import json

import aiohttp

from modelmonitor_operator.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    ThrottledError,
    UnavailableError,
)
from modelmonitor_operator.settings import Json

_DEFAULT_RETRY_AFTER_SECONDS = 1.0
_BY_STATUS: dict[int, type[ClusterError]] = {
    400: InvalidError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: InvalidError,
}


def parse_body(body: bytes) -> Json:
    """The JSON object of a body.

    Raises:
        UnavailableError: it is none, as from a proxy or a connection that was cut.
    """
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise UnavailableError(f"the API server answered no JSON: {body[:80]!r}") from exc
    if not isinstance(value, dict):
        raise UnavailableError(f"the API server answered no JSON object: {body[:80]!r}")
    return value


def translate_status(status: int, body: bytes, retry_after: str | None = None) -> ClusterError:
    """The error that an answer with this HTTP status means; its message is the API server's own."""
    try:
        answer = parse_body(body)
    except UnavailableError:
        answer = {}
    message = str(answer.get("message") or body[:200].decode(errors="replace") or f"HTTP {status}")
    if status == 409 and answer.get("reason") == "AlreadyExists":
        return AlreadyExistsError(message, status)
    if status == 429 or (status == 503 and retry_after):
        return ThrottledError(message, status, _parse_retry_after(retry_after))
    return _BY_STATUS.get(status, UnavailableError)(message, status)


def _parse_retry_after(text: str | None) -> float:
    return float(text) if text and text.isdigit() else _DEFAULT_RETRY_AFTER_SECONDS


def translate_failure(exc: Exception) -> UnavailableError:
    """The error for a call that got no answer."""
    if isinstance(exc, TimeoutError):
        return UnavailableError("the API server did not answer in time")
    if isinstance(exc, aiohttp.ClientError | OSError):
        return UnavailableError(f"the API server is not reachable: {exc}")
    return UnavailableError(f"a call to the API server failed: {exc!r}")
