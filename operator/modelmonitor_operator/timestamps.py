"""Times as the API server and the status write them: RFC 3339, UTC; ours in whole seconds."""

from datetime import UTC, datetime


def render_time(epoch_seconds: float) -> str:
    """A time for the status, cut to the second."""
    return datetime.fromtimestamp(int(epoch_seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str | None) -> float | None:
    """Seconds since the epoch of such a time; None where it is absent or no time."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
