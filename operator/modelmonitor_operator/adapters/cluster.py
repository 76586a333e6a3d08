"""Calls to the API server as raw JSON, each with a deadline; writes are counted, failures are translated."""

import json
from collections.abc import Mapping

import aiohttp

from modelmonitor_api.names import FIELD_MANAGER
from modelmonitor_operator.adapters.answers import parse_body, translate_failure, translate_status
from modelmonitor_operator.adapters.connection import METADATA_LIST, Connection
from modelmonitor_operator.errors import ClusterError, NotFoundError
from modelmonitor_operator.objects import ObjectRef, ResourceKind, StoredObject, parse_stored
from modelmonitor_operator.reconcile.changes import ApplyStatus
from modelmonitor_operator.settings import Json
from modelmonitor_operator.telemetry import Telemetry

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_PAGE = "500"
_ACCESS_REVIEW = ResourceKind("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")
_MANAGED = {"fieldManager": FIELD_MANAGER}
_FORCED = {"fieldManager": FIELD_MANAGER, "force": "true"}


class Cluster:
    """The API server. Every method raises ClusterError."""

    def __init__(self, connection: Connection, telemetry: Telemetry) -> None:
        self._connection = connection
        self._telemetry = telemetry

    async def get(self, ref: ObjectRef) -> StoredObject:
        """One object."""
        return parse_stored(ref.kind, await self._read(ref.kind, ref.kind.path(ref.namespace, ref.name), {}))

    async def list_objects(self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]) -> list[Json]:
        """All objects of a kind, read in pages. Items of a list do not bear their kind."""
        return await self._list(kind, namespace, query, accept=_JSON)

    async def _list(
        self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str], *, accept: str
    ) -> list[Json]:
        items: list[Json] = []
        token = ""
        while True:
            given = {**query, "limit": _PAGE, "continue": token}
            page = await self._read(kind, kind.path(namespace), given, accept=accept)
            items += page.get("items") or []
            token = page["metadata"].get("continue", "")
            if not token:
                return items

    async def list_metadata(self, kind: ResourceKind, namespace: str | None, query: Mapping[str, str]) -> list[Json]:
        """The metadata of all objects of a kind, without their content."""
        return await self._list(kind, namespace, query, accept=METADATA_LIST)

    async def create(self, ref: ObjectRef, manifest: Json) -> StoredObject:
        """POST an object; AlreadyExistsError where the name is taken."""
        path = ref.kind.path(ref.namespace)
        return await self._write("create", ref, ("POST", path, _MANAGED), (_encode(manifest), _JSON))

    async def replace(self, stored: StoredObject, manifest: Json) -> StoredObject:
        """PUT over the object of this resource version; ConflictError where it has changed."""
        ref = stored.ref
        path = ref.kind.path(ref.namespace, ref.name)
        return await self._write("update", ref, ("PUT", path, _MANAGED), (_encode(manifest), _JSON))

    async def apply(self, over: StoredObject, manifest: Json) -> StoredObject:
        """Server-side apply over exactly this object; ConflictError where it is another or has changed."""
        ref = over.ref
        metadata = {**manifest["metadata"], "uid": over.uid, "resourceVersion": over.resource_version}
        body = _encode({**manifest, "metadata": metadata})
        return await self._write(
            "apply", ref, ("PATCH", ref.kind.path(ref.namespace, ref.name), _FORCED), (body, _APPLY)
        )

    async def apply_status(self, change: ApplyStatus) -> StoredObject:
        """Server-side apply of the status subresource of exactly this object and version."""
        ref = change.ref
        metadata = {
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": change.uid,
            "resourceVersion": change.resource_version,
        }
        body = _encode(
            {
                "apiVersion": ref.kind.api_version,
                "kind": ref.kind.kind,
                "metadata": metadata,
                "status": change.status,
            }
        )
        path = f"{ref.kind.path(ref.namespace, ref.name)}/status"
        return await self._write("apply_status", ref, ("PATCH", path, _FORCED), (body, _APPLY))

    async def delete(self, target: StoredObject) -> None:
        """Delete exactly this object, in the background; ConflictError where it is another or has changed."""
        ref = target.ref
        preconditions = {"uid": target.uid, "resourceVersion": target.resource_version}
        body = _encode({"propagationPolicy": "Background", "preconditions": preconditions})
        await self._call("delete", ref.kind, ("DELETE", ref.kind.path(ref.namespace, ref.name), {}), (body, _JSON))

    async def served_plurals(self, group: str, version: str) -> frozenset[str]:
        """The resources that the API server serves in a group and version, by plural; none where it has no such."""
        try:
            answer = await self._send(("GET", f"/apis/{group}/{version}", {}), None)
        except NotFoundError:
            return frozenset()
        return frozenset(resource["name"] for resource in answer.get("resources") or ())

    async def may_watch(self, kind: ResourceKind, namespace: str | None) -> bool:
        """Whether our rights allow to list and watch a kind, in one namespace or (None) in all."""
        answers = [await self._review(verb, kind, namespace) for verb in ("list", "watch")]
        return all(answers)

    async def _review(self, verb: str, kind: ResourceKind, namespace: str | None) -> bool:
        attributes = {"verb": verb, "group": kind.group, "resource": kind.plural, "namespace": namespace or ""}
        manifest = {
            "apiVersion": _ACCESS_REVIEW.api_version,
            "kind": _ACCESS_REVIEW.kind,
            "spec": {"resourceAttributes": attributes},
        }
        body = (_encode(manifest), _JSON)
        answer = await self._call("review", _ACCESS_REVIEW, ("POST", _ACCESS_REVIEW.path(), {}), body)
        return bool(answer["status"]["allowed"])

    async def _read(self, kind: ResourceKind, path: str, query: Mapping[str, str], *, accept: str = _JSON) -> Json:
        given = {name: value for name, value in query.items() if value}
        return await self._call("read", kind, ("GET", path, given), None, accept=accept)

    async def _write(
        self, verb: str, ref: ObjectRef, request: tuple[str, str, Mapping[str, str]], body: tuple[bytes, str]
    ) -> StoredObject:
        return parse_stored(ref.kind, await self._call(verb, ref.kind, request, body))

    async def _call(
        self,
        verb: str,
        kind: ResourceKind,
        request: tuple[str, str, Mapping[str, str]],
        body: tuple[bytes, str] | None,
        accept: str = _JSON,
    ) -> Json:
        if body is not None and kind is not _ACCESS_REVIEW:
            self._telemetry.api_writes.labels(verb=verb, kind=kind.kind).inc()
        try:
            return await self._send(request, body, accept)
        except ClusterError as exc:
            self._telemetry.api_errors.labels(verb=verb, kind=kind.kind, error=type(exc).__name__).inc()
            raise

    async def _send(
        self, request: tuple[str, str, Mapping[str, str]], body: tuple[bytes, str] | None, accept: str = _JSON
    ) -> Json:
        method, path, query = request
        try:
            async with self._connection.open(method, path, query=query, body=body, accept=accept) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            raise translate_failure(exc) from exc
        if answer.status >= 300:
            raise translate_status(answer.status, content, answer.headers.get("Retry-After"))
        return parse_body(content)


def _encode(manifest: Json) -> bytes:
    return json.dumps(manifest, separators=(",", ":")).encode()
