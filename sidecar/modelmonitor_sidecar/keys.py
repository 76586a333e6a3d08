"""Who may read the summary: whoever signs with the key that the operator put into the Secret, once per nonce."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_api.signing import MINIMUM_KEY_BYTES, PREVIOUS_KEY_SECONDS, sign_request, verify

MAX_NONCES = 8192
MIN_NONCE_CHARACTERS, MAX_NONCE_CHARACTERS = 16, 128


class RefusedError(Exception):
    """The request is not answered; `result` names the reason for the metric, the message for a person."""

    def __init__(self, result: str, message: str) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """What a request for the summary carries."""

    nonce: str
    pod_uid: str
    signature: str


class KeyRing:
    """The key of the mounted file, and for five minutes the one before it."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        self._path, self._monotonic = path, monotonic
        self._current = b""
        self._previous = b""
        self._replaced_at = 0.0

    def refresh(self) -> None:
        """Read the file again. Called at each request, and now and then between them, so that a change is dated."""
        key = self._read()
        if key and key != self._current:
            self._previous, self._current, self._replaced_at = self._current, key, self._monotonic()

    def keys(self) -> tuple[bytes, ...]:
        """The keys that are good now, the newest first."""
        self.refresh()
        old_enough = self._monotonic() - self._replaced_at > PREVIOUS_KEY_SECONDS
        return tuple(key for key in (self._current, b"" if old_enough else self._previous) if key)

    def _read(self) -> bytes:
        try:
            key = self._path.read_bytes().strip()
        except OSError:
            return b""
        return key if len(key) >= MINIMUM_KEY_BYTES else b""


class Gate:
    """Lets a request in, once."""

    def __init__(self, keys: KeyRing, pod_uid: str) -> None:
        self._keys, self._pod_uid = keys, pod_uid
        self._seen: OrderedDict[str, None] = OrderedDict()

    def admit(self, request: SummaryRequest) -> bytes:
        """The key that the request was signed with, to sign the answer with.

        Raises:
            RefusedError: the request is unsigned, signed with another key, for another pod, or was seen before.
        """
        if not request.nonce or not request.signature:
            raise RefusedError("unsigned", "the summary is for the operator: the request is not signed")
        if not MIN_NONCE_CHARACTERS <= len(request.nonce) <= MAX_NONCE_CHARACTERS or not request.nonce.isascii():
            raise RefusedError("bad_nonce", "the nonce is not 16 to 128 characters of ASCII")
        if request.pod_uid != self._pod_uid:
            raise RefusedError("other_pod", "the request is for another pod; this address has been given to a new one")
        keys = self._keys.keys()
        if not keys:
            raise RefusedError("no_key", "this sidecar has no key yet: the Secret is not mounted, or is too short")
        key = next(
            (k for k in keys if verify(sign_request(k, request.nonce, request.pod_uid), request.signature)), None
        )
        if key is None:
            raise RefusedError("wrong_key", "the request is signed with a key that is not, or no longer, good")
        self._remember(request.nonce)
        return key

    def _remember(self, nonce: str) -> None:
        """Only signed nonces come here, so that nobody without the key can make this forget."""
        if nonce in self._seen:
            raise RefusedError("replay", "the nonce was used before")
        self._seen[nonce] = None
        if len(self._seen) > MAX_NONCES:
            self._seen.popitem(last=False)
