"""Who wrote what, from the API server's audit log."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelmonitor_testbed.controlplane import ControlPlane

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_ASKING = "selfsubjectaccessreviews"
Named = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Write:
    """One write that the API server answered.

    Attributes:
        at: when the request came, seconds since the epoch.
        resource: plural, with its subresource behind a slash.
        code: HTTP status of the answer.
    """

    at: float
    user: str
    verb: str
    resource: str
    name: str
    code: int

    @property
    def done(self) -> bool:
        """Whether it was accepted."""
        return self.code < 300


def read_writes(control_plane: ControlPlane, users: Iterable[str], since: float = 0.0) -> list[Write]:
    """The writes of these users from a moment on, in order, those about leases included."""
    wanted = frozenset(users)
    return [write for write in _parse(control_plane) if write.user in wanted and write.at >= since]


def count_done(writes: Iterable[Write]) -> Counter[Named]:
    """How often each object was written, by resource and name; leases are left out."""
    return Counter((write.resource, write.name) for write in writes if write.done and write.resource != "leases")


def _parse(control_plane: ControlPlane) -> Iterator[Write]:
    assert control_plane.audit_log is not None
    for line in control_plane.audit_log.read_text().splitlines():
        event: dict[str, Any] = json.loads(line)
        ref = event.get("objectRef", {})
        if event["verb"] in _WRITES and event["stage"] == "ResponseComplete" and ref.get("resource") != _ASKING:
            resource = "/".join(filter(None, (ref.get("resource", ""), ref.get("subresource", ""))))
            at = datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()
            code = int(event["responseStatus"]["code"])
            yield Write(at, event["user"]["username"], event["verb"], resource, ref.get("name", ""), code)
