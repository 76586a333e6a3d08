"""How operator and sidecar prove themselves to each other: HMAC-SHA256 over nonce, pod UID and body.

The key never travels. The operator sends a fresh nonce and the UID of the pod that it means, and signs both; the
sidecar signs its answer over the same nonce and its own UID. A pod that inherited a sidecar's address has neither key
nor UID, learns nothing and is not believed.
"""

import hashlib
import hmac

NONCE_BYTES = 16
MINIMUM_KEY_BYTES = 32
PREVIOUS_KEY_SECONDS = 300.0
"""How long a replaced key stays good, so that a rotation needs no restart."""

REQUEST_PURPOSE = b"modelmonitor/v1/summary/request"
ANSWER_PURPOSE = b"modelmonitor/v1/summary/answer"


def _sign(key: bytes, parts: tuple[bytes, ...]) -> str:
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(key, framed, hashlib.sha256).hexdigest()


def sign_request(key: bytes, nonce: str, pod_uid: str) -> str:
    """The signature of a request for the summary of the sidecar `pod_uid`, as lower-case hex."""
    return _sign(key, (REQUEST_PURPOSE, nonce.encode(), pod_uid.encode()))


def sign_answer(key: bytes, nonce: str, pod_uid: str, body: bytes) -> str:
    """The signature of an answer `body` to the request with `nonce`, as lower-case hex."""
    return _sign(key, (ANSWER_PURPOSE, nonce.encode(), pod_uid.encode(), body))


def verify(expected: str, given: str) -> bool:
    """Whether two signatures are equal, in constant time; a signature that is no ASCII is not."""
    return given.isascii() and hmac.compare_digest(expected, given)
