"""Requests of the v2 inference protocol, sent at a fixed rate whatever the answers do."""

import asyncio
import json
from dataclasses import asdict, dataclass

import aiohttp

MODEL_INPUT = json.dumps({"inputs": [{"name": "INPUT", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]})
MAX_IN_FLIGHT = 256
REQUEST_SECONDS = 30.0


@dataclass
class Counts:
    """What became of one model's requests; `held` were not sent, for too many were under way."""

    sent: int = 0
    ok: int = 0
    failed: int = 0
    held: int = 0


@dataclass(frozen=True)
class Stream:
    """One model's load, in requests per second."""

    model: str
    rate: float


class Traffic:
    """All streams to one server."""

    def __init__(self, address: str, streams: tuple[Stream, ...]) -> None:
        self._address = address
        self._streams = streams
        self._under_way: set[asyncio.Task[None]] = set()
        self.counts = {stream.model: Counts() for stream in streams}

    async def run(self, seconds: float | None) -> None:
        """Send until the time is over, or until cancelled where none is given."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            sending = [asyncio.create_task(self._send_at_rate(session, stream)) for stream in self._streams]
            try:
                await asyncio.wait(sending, timeout=seconds)
            finally:
                for task in (*sending, *self._under_way):
                    task.cancel()
                await asyncio.gather(*sending, *self._under_way, return_exceptions=True)

    def report(self) -> dict[str, dict[str, int]]:
        """Return the counts by model."""
        return {model: asdict(counts) for model, counts in self.counts.items()}

    async def _send_at_rate(self, session: aiohttp.ClientSession, stream: Stream) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if len(self._under_way) < MAX_IN_FLIGHT:
                task = asyncio.create_task(self._send(session, stream.model))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            else:
                self.counts[stream.model].held += 1
            due = max(due + 1 / stream.rate, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _send(self, session: aiohttp.ClientSession, model: str) -> None:
        counts = self.counts[model]
        counts.sent += 1
        try:
            async with session.post(f"http://{self._address}/v2/models/{model}/infer", data=MODEL_INPUT) as answer:
                await answer.read()
                good = answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            good = False
        if good:
            counts.ok += 1
        else:
            counts.failed += 1
