"""Who asked the API server for what, and whether it was allowed: its audit log, read as values.

Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_DECISION = "authorization.k8s.io/decision"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing that may be done, or that was done.

    Attributes:
        verb: as Kubernetes authorizes it: get, list, watch, create, update, patch, delete.
        resource: plural, with its subresource behind a slash; the path where it is no resource.
        namespace: empty for the whole cluster.
        name: of the one object; empty for any.
    """

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f"in {self.namespace}" if self.namespace else "in the whole cluster"
        return " ".join(filter(None, (self.verb, kind, self.name, where)))


@dataclass(frozen=True, slots=True)
class Request:
    """One stage of one request.

    Attributes:
        at: when it came, seconds since the epoch.
        what: what was asked for; of a list or watch the name that its field selector gives.
        stage: ResponseComplete, or ResponseStarted of a watch.
        allowed: what the authorizer said.
        code: HTTP status of the answer.
    """

    at: float
    user: str
    what: Right
    stage: str
    allowed: bool
    code: int


def read_requests(log: Path, users: Iterable[str], since: float = 0.0) -> Iterator[Request]:
    """What these users asked for, from a moment on: from the log and from the parts that the server put aside.

    Questions for what the API server serves are no requests for a resource, and are left out.
    """
    wanted = frozenset(users)
    for path in sorted(log.parent.glob(f"{log.stem}*{log.suffix}")):
        for event in _events(path):
            if event["user"]["username"] in wanted and "objectRef" in event:
                request = parse_request(event)
                if request.at >= since:
                    yield request


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines; the server may be writing the last one."""
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def parse_request(event: Mapping[str, Any]) -> Request:
    """One event of the log."""
    ref = event["objectRef"]
    resource = "/".join(filter(None, (ref.get("resource"), ref.get("subresource"))))
    what = Right(event["verb"], ref.get("apiGroup", ""), resource, ref.get("namespace", ""), ref.get("name", ""))
    return Request(
        at=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
        user=event["user"]["username"],
        what=what,
        stage=event["stage"],
        allowed=event.get("annotations", {}).get(_DECISION) == "allow",
        code=int(event.get("responseStatus", {}).get("code", 0)),
    )
