"""Nodes, the part of the kubelet and scheduler that binds and starts pods, and the sidecars' summaries.

There are no nodes behind a control plane alone, so the bench plays them: it reads the same NodePlans as real sidecars
do, and answers as they would on loopback addresses.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from benchmarks.api import Api, ApiError, for_each
from benchmarks.manifests import GPU_LABEL, Json, build_running_status
from benchmarks.sidecar_pages import build_app, serve, sidecar_address
from benchmarks.synthetic import Identity, Load, build_summary
from modelmonitor_api.names import API_VERSION, PLAN_PLURAL
from modelmonitor_api.plan import NodePlanSpec

READING_SECONDS = 15.0
_HEARTBEAT_SECONDS = 15.0
_PLANS = f"/apis/{API_VERSION}/namespaces/{{}}/{PLAN_PLURAL}"


@dataclass
class Fleet:
    """Nodes `node-0` … and whatever runs on them.

    Attributes:
        load: what the models do; the same on every pod.
        address: of the sidecar of a node by its number; where it is no loopback address, nobody answers there.
    """

    api: Api
    system: str
    nodes: int
    load: Load
    address: Callable[[int], str] = sidecar_address
    _key: bytes = b""
    _plans: dict[str, tuple[int, NodePlanSpec]] = field(default_factory=dict)
    _sidecars: dict[str, str] = field(default_factory=dict)
    _placed: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Make the nodes and keep them alive for the length of a with block."""
        await for_each(self._names(), self._create_node)
        pages = build_app(self._body, lambda: self._key)
        addresses = map(self.address, range(self.nodes))
        runner = await serve(pages, [each for each in addresses if ip_address(each).is_loopback])
        core = f"/api/v1/namespaces/{self.system}"
        follow = self.api.follow
        work = (
            follow(f"{core}/pods", {}, self._see_pod),
            follow(f"{core}/secrets", {}, self._see_secret),
            follow(_PLANS.format(self.system), {}, self._see_plan),
            self._beat(),
        )
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(each) for each in work]
                yield
                for task in tasks:
                    task.cancel()
        finally:
            await runner.cleanup()

    def _names(self) -> list[str]:
        return [f"node-{number}" for number in range(self.nodes)]

    async def _create_node(self, name: str) -> None:
        labels = {GPU_LABEL: "true", "kubernetes.io/os": "linux", "kubernetes.io/hostname": name}
        node: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        await self.api.create("/api/v1/nodes", node)
        await self._say_alive(name)

    async def _say_alive(self, name: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "Bench",
            "message": "",
            "lastHeartbeatTime": now,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        await self.api.patch(f"/api/v1/nodes/{name}/status", {"status": {"conditions": [ready]}})

    async def _beat(self) -> None:
        """Without a heartbeat the node controller calls the pods not ready after a while."""
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            for name in self._names():
                await self._say_alive(name)

    async def _see_pod(self, event: str, pod: Json) -> None:
        uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
        if event == "DELETED" or uid in self._placed or "affinity" not in pod["spec"]:
            return
        self._placed.add(uid)
        terms = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        node = terms["nodeSelectorTerms"][0]["matchFields"][0]["values"][0]
        self._sidecars[uid] = node
        path = f"/api/v1/namespaces/{self.system}/pods/{name}"
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        address = self.address(int(node.rpartition("-")[2]))
        with suppress(ApiError):
            await self.api.call("POST", f"{path}/binding", binding)
            await self.api.patch(f"{path}/status", {"status": build_running_status("sidecar", address)})

    async def _see_secret(self, event: str, secret: Json) -> None:
        if event != "DELETED" and "key" in secret.get("data", {}):
            self._key = base64.b64decode(secret["data"]["key"])

    async def _see_plan(self, event: str, plan: Json) -> None:
        name = plan["metadata"]["name"]
        if event == "DELETED":
            self._plans.pop(name, None)
        else:
            self._plans[name] = plan["metadata"]["generation"], NodePlanSpec.model_validate(plan["spec"])

    def _body(self, uid: str) -> bytes | None:
        node = self._sidecars.get(uid)
        if node is None:
            return None
        generation, plan = self._plans.get(node, (0, NodePlanSpec(node_name=node)))
        reading = int(time.monotonic() / READING_SECONDS)
        summary = build_summary(
            Identity(node, uid), plan.monitors, self.load, reading=reading, plan_generation=generation
        )
        return json.dumps(summary.to_wire()).encode()
