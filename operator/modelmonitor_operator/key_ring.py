"""Which keys sign: the current one, and the one before it for five minutes, so that a rotation needs no restart."""

from modelmonitor_api.signing import PREVIOUS_KEY_SECONDS


class KeyRing:
    """The keys that the Secret has held."""

    def __init__(self) -> None:
        self._current: bytes | None = None
        self._previous: bytes | None = None
        self._replaced_at = 0.0

    def put(self, key: bytes | None, now: float) -> None:
        """The Secret holds this key now; None (it is gone or useless) changes nothing until another comes."""
        if key is None or key == self._current:
            return
        self._previous, self._current, self._replaced_at = self._current, key, now

    def keys(self, now: float) -> tuple[bytes, ...]:
        """The keys to try, in this order."""
        previous = self._previous if now - self._replaced_at <= PREVIOUS_KEY_SECONDS else None
        return tuple(key for key in (self._current, previous) if key is not None)
