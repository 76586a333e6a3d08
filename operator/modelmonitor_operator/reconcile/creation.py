"""Why the DaemonSet's pods are not created: the DaemonSet controller says it in Events only."""

from collections.abc import Iterable

from modelmonitor_operator.objects import StoredObject
from modelmonitor_operator.settings import Json

_POD_SECURITY = "violates PodSecurity"


def lacks_pods(daemon_set: StoredObject | None, pods: int) -> bool:
    """Whether the DaemonSet wants more pods than there are."""
    if daemon_set is None:
        return False
    return int(daemon_set.manifest.get("status", {}).get("desiredNumberScheduled", 0)) > pods


def explain_missing_pods(daemon_set: StoredObject, events: Iterable[Json]) -> str:
    """What is in the way of the pods and what to do about it; empty where no Event says so."""
    mine = [event for event in events if event.get("involvedObject", {}).get("uid") == daemon_set.uid]
    newest = max(mine, key=_when, default=None)
    if newest is None:
        return ""
    message = str(newest.get("message", "")).removeprefix("Error creating: ")
    namespace = daemon_set.ref.namespace
    if _POD_SECURITY in message:
        return (
            f"the pod-security level of namespace {namespace} does not allow the sidecars, which mount two folders of "
            f"the node: kubectl label namespace {namespace} --overwrite "
            f"pod-security.kubernetes.io/enforce=privileged ({message[:160]})"
        )
    return f"the sidecars of DaemonSet {namespace}/{daemon_set.ref.name} cannot be created: {message[:300]}"


def _when(event: Json) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")
