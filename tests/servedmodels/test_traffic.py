"""The load generator sends at its rate and counts what comes back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from modelmonitor_testbed.load.__main__ import parse_stream
from modelmonitor_testbed.load.traffic import Stream, Traffic


class Server:
    """Answers inference requests: 500 for the model named bad."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.enough = asyncio.Event()
        self.port = 0

    async def infer(self, request: web.Request) -> web.Response:
        model = request.match_info["model"]
        assert (await request.json())["inputs"][0]["shape"] == [1, 4]
        self.seen[model] += 1
        if min(self.seen["good"], self.seen["bad"]) >= 5:
            self.enough.set()
        return web.Response(status=500 if model == "bad" else 200)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    application = web.Application()
    application.router.add_post("/v2/models/{model}/infer", served.infer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.port = runner.addresses[0][1]
    yield served
    await runner.cleanup()


async def test_good_and_bad_answers_are_counted_apart_when_it_is_stopped(server: Server) -> None:
    traffic = Traffic(f"127.0.0.1:{server.port}", (Stream("good", 200), Stream("bad", 200)))
    sending = asyncio.create_task(traffic.run(None))
    async with asyncio.timeout(10):
        await server.enough.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    good, bad = traffic.counts["good"], traffic.counts["bad"]
    assert good.ok >= 1  # of those on their way when it was stopped nobody knows
    assert bad.failed >= 1
    assert (good.failed, bad.ok) == (0, 0)


async def test_it_ends_by_itself_when_its_time_is_over_and_refused_connections_are_failures() -> None:
    traffic = Traffic("127.0.0.1:1", (Stream("good", 100),))
    async with asyncio.timeout(10):
        await traffic.run(0.1)
    assert 0 < traffic.counts["good"].sent <= 15
    assert traffic.counts["good"].ok == 0
    assert traffic.report()["good"]["failed"] >= traffic.counts["good"].sent - 1


@pytest.mark.parametrize(("text", "stream"), [("fast", Stream("fast", 5)), ("slow=0.5", Stream("slow", 0.5))])
def test_a_model_has_its_own_rate_or_the_common_one(text: str, stream: Stream) -> None:
    assert parse_stream(text, 5) == stream


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        parse_stream("fast=0", 5)
