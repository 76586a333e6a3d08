"""The barest way to serve a metrics page: prometheus_client renders it at each request, in a process of its own."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

from aiohttp import web
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from modelmonitor_testbed.controlplane import free_ports


class _Same(Collector):
    """Collects the same families again and again."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """The families."""
        return self._families


def registry_of(text: str) -> CollectorRegistry:
    """A registry that renders to the same series as a page."""
    registry = CollectorRegistry()
    registry.register(_Same(list(text_string_to_metric_families(text))))
    return registry


def _page_of(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    registry = registry_of(text)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain")

    return answer


async def _serve(pages: dict[str, str], port: int, ready: Connection) -> None:
    app = web.Application()
    for path, text in pages.items():
        app.router.add_get(path, _page_of(text))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    ready.send("there")
    await asyncio.to_thread(ready.poll, None)
    await runner.cleanup()


def render_each_time(pages: dict[str, str], port: int, ready: Connection) -> None:
    """The baseline's process: until the parent ends it."""
    asyncio.run(_serve(pages, port, ready))


@asynccontextmanager
async def client_pages(pages: dict[str, str]) -> AsyncIterator[str]:
    """Serves the pages by their paths; gives the URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    (port,) = free_ports(1)
    process = context.Process(target=render_each_time, args=(pages, port, theirs), daemon=True)
    process.start()
    try:
        await asyncio.to_thread(ours.recv)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()
