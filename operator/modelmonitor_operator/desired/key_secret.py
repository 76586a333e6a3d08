"""The Secret with the key that signs summaries. Not immutable: the kubelet never reads an immutable one again."""

import base64
import binascii

from modelmonitor_api import names
from modelmonitor_api.signing import MINIMUM_KEY_BYTES
from modelmonitor_operator.desired.ownership import build_metadata
from modelmonitor_operator.objects import SECRET, ObjectRef, StoredObject
from modelmonitor_operator.settings import Json, Settings


def key_secret_ref(settings: Settings) -> ObjectRef:
    """Which Secret."""
    return ObjectRef(SECRET, settings.sidecar_namespace, settings.key_secret_name)


def build_key_secret(settings: Settings, anchor: StoredObject, key: bytes) -> Json:
    """The Secret that carries `key`."""
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": build_metadata(settings, anchor, settings.key_secret_name, "key"),
        "type": "Opaque",
        "data": {names.KEY_SECRET_FIELD: base64.b64encode(key).decode()},
    }


def parse_key(secret: StoredObject) -> bytes | None:
    """The key of a Secret; None where it holds none that is long enough to sign with."""
    encoded = secret.manifest.get("data", {}).get(names.KEY_SECRET_FIELD, "")
    try:
        key = base64.b64decode(encoded, validate=True).strip()
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= MINIMUM_KEY_BYTES else None
