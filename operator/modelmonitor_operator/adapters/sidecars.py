"""Asks each sidecar for its summary: at the same time, each with a deadline, signed both ways, never redirected."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

import aiohttp
from pydantic import ValidationError

from modelmonitor_api import names
from modelmonitor_api.signing import NONCE_BYTES, sign_answer, sign_request, verify
from modelmonitor_api.summary import MAX_SUMMARY_BYTES, NodeSummary
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.observed import NodeReading, PollState, SidecarPod
from modelmonitor_operator.telemetry import Telemetry

_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """How one poll ended."""

    state: PollState
    message: str = ""
    summary: NodeSummary | None = None


class SidecarPoller:
    """Polls sidecars over HTTP and remembers the newest believed summary of each node."""

    def __init__(
        self,
        clock: Clock,
        telemetry: Telemetry,
        timeout_seconds: float,
        concurrency: int,
        port: int = names.SIDECAR_PORT,
    ) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._timeout_seconds = timeout_seconds
        self._port = port
        self._limit = asyncio.Semaphore(concurrency)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=min(_CONNECT_SECONDS, timeout_seconds)),
            trust_env=False,
        )
        self._readings: dict[str, NodeReading] = {}

    async def close(self) -> None:
        """End every connection."""
        await self._session.close()

    async def poll(self, sidecars: Mapping[str, SidecarPod], keys: tuple[bytes, ...]) -> Mapping[str, NodeReading]:
        """Ask every sidecar once; the reading of each node, old where the sidecar did not answer."""
        self._readings = {node: self._carry(sidecar) for node, sidecar in sidecars.items()}
        await asyncio.gather(*(self._poll_node(node, keys) for node in sidecars))
        return dict(self._readings)

    def readings(self) -> Mapping[str, NodeReading]:
        """The readings of the last poll."""
        return dict(self._readings)

    def _carry(self, sidecar: SidecarPod) -> NodeReading:
        before = self._readings.get(sidecar.node)
        if before is None or before.sidecar.uid != sidecar.uid:
            return NodeReading(sidecar, message=sidecar.message)
        return replace(before, sidecar=sidecar)

    async def _poll_node(self, node: str, keys: tuple[bytes, ...]) -> None:
        before = self._readings[node]
        if not before.sidecar.ip:
            self._readings[node] = replace(before, state=PollState.PENDING, message=before.sidecar.message)
            return
        async with self._limit:
            answer = await self._ask_with(before.sidecar, before.sidecar.ip, keys)
        self._telemetry.polls.labels(result=answer.state.value).inc()
        after = replace(before, state=answer.state, message=answer.message, attempt=before.attempt + 1)
        if answer.summary is not None:
            after = replace(after, summary=answer.summary, received_at=self._clock.time())
        self._readings[node] = after

    async def _ask_with(self, sidecar: SidecarPod, address: str, keys: tuple[bytes, ...]) -> _Answer:
        answer = _Answer(PollState.REFUSED_KEY, "the operator has no key to sign with yet")
        for key in keys:
            answer = await self._ask(sidecar, address, key)
            if answer.state not in (PollState.REFUSED_KEY, PollState.BAD_SIGNATURE):
                break
        return answer

    async def _ask(self, sidecar: SidecarPod, address: str, key: bytes) -> _Answer:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._fetch(sidecar, address, key)
        except TimeoutError:
            return _Answer(PollState.TIMEOUT, f"no answer within {self._timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            return _Answer(PollState.UNREACHABLE, str(exc) or type(exc).__name__)

    async def _fetch(self, sidecar: SidecarPod, address: str, key: bytes) -> _Answer:
        nonce = secrets.token_hex(NONCE_BYTES)
        headers = {
            names.NONCE_HEADER: nonce,
            names.POD_UID_HEADER: sidecar.uid,
            names.SIGNATURE_HEADER: sign_request(key, nonce, sidecar.uid),
            "Accept-Encoding": "identity",
        }
        async with self._session.get(_url(address, self._port), headers=headers, allow_redirects=False) as response:
            if response.status == 401:
                return _Answer(PollState.REFUSED_KEY, await _excerpt(response))
            if response.status != 200:
                return _Answer(PollState.MALFORMED, f"HTTP {response.status}: {await _excerpt(response)}")
            body = await _read(response)
            given = response.headers.get(names.SIGNATURE_HEADER, "")
        if body is None:
            return _Answer(PollState.MALFORMED, f"the answer is longer than {MAX_SUMMARY_BYTES} bytes")
        if not verify(sign_answer(key, nonce, sidecar.uid, body), given):
            return _Answer(PollState.BAD_SIGNATURE, f"{address} answered without the signature of pod {sidecar.name}")
        return _parse(sidecar, body)


def _parse(sidecar: SidecarPod, body: bytes) -> _Answer:
    try:
        summary = NodeSummary.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return _Answer(PollState.MALFORMED, f"the summary cannot be read: {where}: {first['msg']}")
    if (summary.pod_uid, summary.node) != (sidecar.uid, sidecar.node):
        return _Answer(PollState.BAD_SIGNATURE, f"the summary is by pod {summary.pod_uid} on node {summary.node}")
    return _Answer(PollState.OK, summary=summary)


def _url(address: str, port: int) -> str:
    host = f"[{address}]" if ip_address(address).version == 6 else address
    return f"http://{host}:{port}{names.SUMMARY_PATH}"


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_SUMMARY_BYTES:
            return None
    return bytes(body)


async def _excerpt(response: aiohttp.ClientResponse) -> str:
    return (await response.content.read(200)).decode(errors="replace").strip()
