"""Who wrote what, from the API server's audit log."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from modelmonitor_testbed.audit import read_requests
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
    assert control_plane.audit_log is not None
    return [
        Write(request.at, request.user, what.verb, what.resource, what.name, request.code)
        for request in read_requests(control_plane.audit_log, users, since)
        if (what := request.what).verb in _WRITES and request.stage == "ResponseComplete" and what.resource != _ASKING
    ]


def count_done(writes: Iterable[Write]) -> Counter[Named]:
    """How often each object was written, by resource and name; leases are left out."""
    return Counter((write.resource, write.name) for write in writes if write.done and write.resource != "leases")
