"""Values that the operator's unit tests start from."""

from collections.abc import Mapping
from typing import Any

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_operator.errors import ClusterError
from modelmonitor_operator.objects import (
    CONFIG_MAP,
    MODEL_MONITOR,
    ObjectRef,
    ResourceKind,
    StoredObject,
    parse_stored,
)
from modelmonitor_operator.observed import ContainerPort, Monitor, Pod
from modelmonitor_operator.reconcile.changes import ApplyStatus
from modelmonitor_operator.settings import Settings


def settings(**given: Any) -> Settings:
    return Settings.model_validate(
        {"namespace": "system", "sidecarNamespace": "system", "sidecar": {"image": "sidecar:1"}, **given}
    )


def stored(kind: ResourceKind, manifest: dict[str, Any], uid: str = "u1", version: str = "1") -> StoredObject:
    metadata = {**manifest["metadata"], "uid": uid, "resourceVersion": version}
    return parse_stored(kind, {**manifest, "metadata": metadata})


def anchor(uid: str = "anchor-1") -> StoredObject:
    return stored(CONFIG_MAP, {"metadata": {"name": "modelmonitor-anchor", "namespace": "system"}}, uid)


def monitor(name: str = "fraud", namespace: str = "team-a", **given: Any) -> Monitor:
    spec = {"selector": {"matchLabels": {"app": "triton"}}, **given.pop("spec", {})}
    return Monitor(
        ref=MonitorRef(namespace, name),
        uid=given.pop("uid", f"uid-{namespace}-{name}"),
        generation=given.pop("generation", 1),
        resource_version=given.pop("resource_version", "1"),
        created_at=given.pop("created_at", 0.0),
        spec=ModelMonitorSpec.model_validate(spec),
        **given,
    )


def pod(name: str = "t1", node: str | None = "n1", **given: Any) -> Pod:
    namespace = given.pop("namespace", "team-a")
    return Pod(
        namespace=namespace,
        name=name,
        uid=given.pop("uid", f"uid-{namespace}-{name}"),
        labels=given.pop("labels", (("app", "triton"),)),
        node=node,
        ip=given.pop("ip", "10.0.0.1"),
        phase=given.pop("phase", "Running"),
        ready=True,
        ports=(ContainerPort("triton", "http", 8000),),
        **given,
    )


class FakeClock:
    """A clock that moves when it is told to, or when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeCluster:
    """A cluster in memory that remembers what was written; `fail` makes the next write fail."""

    def __init__(self) -> None:
        self.written: list[tuple[str, ObjectRef]] = []
        self.fail: ClusterError | None = None
        self.objects: dict[ObjectRef, dict[str, Any]] = {}
        self.status: dict[str, Any] | None = None
        self._version = 100

    async def create(self, ref: ObjectRef, manifest: dict[str, Any]) -> StoredObject:
        return self._answer("create", ref, manifest, f"uid-{ref.name}-{self._version}")

    async def replace(self, stored: StoredObject, manifest: dict[str, Any]) -> StoredObject:
        return self._answer("replace", stored.ref, manifest, stored.uid)

    async def get(self, ref: ObjectRef) -> StoredObject:
        return parse_stored(ref.kind, self.objects[ref])

    async def list_metadata(
        self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        return [{"metadata": one["metadata"]} for one in await self.list_objects(kind, namespace, query)]

    async def apply(self, over: StoredObject, manifest: dict[str, Any]) -> StoredObject:
        return self._answer("apply", over.ref, manifest, over.uid)

    async def apply_status(self, change: ApplyStatus) -> StoredObject:
        metadata = {"name": change.ref.name, "namespace": change.ref.namespace, "generation": 1}
        ref = ObjectRef(MODEL_MONITOR, change.ref.namespace, change.ref.name)
        answer = self._answer("apply_status", ref, {"metadata": metadata, "status": change.status}, change.uid)
        self.status = change.status
        return answer

    async def delete(self, target: StoredObject) -> None:
        named = {"name": target.ref.name, "namespace": target.ref.namespace}
        self._answer("delete", target.ref, {"metadata": named}, target.uid)

    async def list_objects(
        self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """What `objects` holds of a name."""
        name = query["fieldSelector"].removeprefix("metadata.name=")
        found = self.objects.get(ObjectRef(kind, namespace or "", name))
        return [found] if found else []

    def _answer(self, verb: str, ref: ObjectRef, manifest: dict[str, Any], uid: str) -> StoredObject:
        if self.fail is not None:
            raise self.fail
        self._version += 1
        self.written.append((verb, ref))
        return stored(ref.kind, manifest, uid, str(self._version))
