"""Polling sidecars: who is believed, and that one that misbehaves holds nobody up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from modelmonitor_api import names
from modelmonitor_api.signing import sign_answer, sign_request, verify
from modelmonitor_api.summary import MAX_SUMMARY_BYTES, NodeSummary
from modelmonitor_operator.adapters.sidecars import SidecarPoller
from modelmonitor_operator.observed import NodeReading, PollState, SidecarPod
from modelmonitor_operator.telemetry import Telemetry
from tests.unit.operator.worlds import FakeClock

KEY, OLD_KEY = b"k" * 64, b"o" * 64
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def summary(**given: Any) -> bytes:
    facts = {"sidecar_version": "1", "node": "n1", "pod_uid": "s1", **given}
    return NodeSummary(**facts).model_dump_json(by_alias=True).encode()


def answer(body: bytes, key: bytes = KEY, uid: str = "s1") -> Handler:
    async def respond(request: web.Request) -> web.StreamResponse:
        nonce, pod_uid = request.headers[names.NONCE_HEADER], request.headers[names.POD_UID_HEADER]
        if not verify(sign_request(key, nonce, pod_uid), request.headers[names.SIGNATURE_HEADER]):
            return web.Response(status=401, text="the key is not known")
        return web.Response(body=body, headers={names.SIGNATURE_HEADER: sign_answer(key, nonce, uid, body)})

    return respond


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get(names.SUMMARY_PATH, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def poll(handler: Handler, keys: tuple[bytes, ...] = (KEY,), sidecar: SidecarPod | None = None) -> NodeReading:
    async with serving(handler) as port:
        poller = SidecarPoller(FakeClock(), Telemetry("test"), 0.5, 4, port)
        try:
            target = sidecar or SidecarPod("n1", "sidecar-x", "s1", "127.0.0.1", ready=True)
            return (await poller.poll({"n1": target}, keys))["n1"]
        finally:
            await poller.close()


async def test_a_signed_answer_is_believed() -> None:
    reading = await poll(answer(summary(plan_generation=4)))
    assert reading.state is PollState.OK
    assert reading.summary is not None
    assert reading.summary.plan_generation == 4
    assert (reading.attempt, reading.received_at) == (1, 1000.0)


async def test_the_previous_key_serves_while_a_rotation_goes_round() -> None:
    assert (await poll(answer(summary(), OLD_KEY), (KEY, OLD_KEY))).state is PollState.OK


async def test_an_older_sidecar_is_understood() -> None:
    body = b'{"schemaVersion":0,"sidecarVersion":"0.0.1","node":"n1","podUid":"s1","retired":{"field":1}}'
    assert (await poll(answer(body))).state is PollState.OK


async def drip(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def unsigned(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=summary())


async def redirect(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:1/")


async def html(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=502, text="<html>bad gateway</html>")


@pytest.mark.parametrize(
    ("handler", "state", "says"),
    [
        pytest.param(answer(summary(), OLD_KEY), PollState.REFUSED_KEY, "not known", id="it knows another key"),
        pytest.param(unsigned, PollState.BAD_SIGNATURE, "without the signature", id="it does not sign"),
        pytest.param(answer(summary(), uid="s2"), PollState.BAD_SIGNATURE, "signature", id="it signs as another pod"),
        pytest.param(answer(summary(pod_uid="s2")), PollState.BAD_SIGNATURE, "s2", id="its summary is another pod's"),
        pytest.param(answer(summary(node="n2")), PollState.BAD_SIGNATURE, "n2", id="its summary is another node's"),
        pytest.param(answer(b"{}"), PollState.MALFORMED, "sidecarVersion", id="its summary lacks a field"),
        pytest.param(answer(b"<html>"), PollState.MALFORMED, "cannot be read", id="it answers no JSON"),
        pytest.param(answer(b" " * (MAX_SUMMARY_BYTES + 1)), PollState.MALFORMED, "longer than", id="it never ends"),
        pytest.param(redirect, PollState.MALFORMED, "302", id="it redirects"),
        pytest.param(html, PollState.MALFORMED, "bad gateway", id="it is a proxy"),
        pytest.param(drip, PollState.TIMEOUT, "0.5 s", id="it never answers"),
    ],
)
async def test_what_is_not_believed_and_why(handler: Handler, state: PollState, says: str) -> None:
    reading = await poll(handler)
    assert reading.state is state
    assert says in reading.message
    assert reading.summary is None


async def test_a_refused_connection_and_a_pod_without_address_are_told_apart() -> None:
    async with serving(unsigned) as port:
        pass
    poller = SidecarPoller(FakeClock(), Telemetry("test"), 0.5, 4, port)
    gone = SidecarPod("n1", "a", "s1", "127.0.0.1", ready=True)
    new = SidecarPod("n2", "b", "s2", None, ready=False, message="ContainerCreating")
    readings = await poller.poll({"n1": gone, "n2": new}, (KEY,))
    await poller.close()
    assert readings["n1"].state is PollState.UNREACHABLE
    assert (readings["n2"].state, readings["n2"].message) == (PollState.PENDING, "ContainerCreating")


async def test_a_sidecar_that_falls_silent_keeps_its_last_summary_and_counts_attempts() -> None:
    silent = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        return await (drip if silent.is_set() else answer(summary()))(request)

    async with serving(handler) as port:
        poller = SidecarPoller(FakeClock(), Telemetry("test"), 0.3, 4, port)
        sidecar = SidecarPod("n1", "a", "s1", "127.0.0.1", ready=True)
        first = (await poller.poll({"n1": sidecar}, (KEY,)))["n1"]
        silent.set()
        second = (await poller.poll({"n1": sidecar}, (KEY,)))["n1"]
        replaced = SidecarPod("n1", "b", "s9", "127.0.0.1", ready=True)
        third = (await poller.poll({"n1": replaced}, (KEY,)))["n1"]
        await poller.close()
    assert (second.state, second.attempt, second.summary) == (PollState.TIMEOUT, 2, first.summary)
    assert (third.attempt, third.summary) == (1, None)
