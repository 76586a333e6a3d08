"""Serves /healthz, /readyz, /metrics, and the leader's pages of monitors."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from modelmonitor_api import names
from modelmonitor_api.connections import BoundedConnections
from modelmonitor_operator.adapters.leader_server import LeaderServer
from modelmonitor_operator.telemetry import CONTENT_TYPE, Telemetry

MAX_CONNECTIONS = 512
Answer = Callable[[], str]
"""A probe: empty when well, else what is missing."""


def _probe(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def respond(_request: web.Request) -> web.Response:
        problem = answer()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    return respond


def build_app(telemetry: Telemetry, alive: Answer, ready: Answer, leader: LeaderServer) -> web.Application:
    """The operator's pages."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=telemetry.render(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get(names.HEALTHZ_PATH, _probe(alive))
    app.router.add_get(names.READYZ_PATH, _probe(ready))
    app.router.add_get(names.METRICS_PATH, metrics)
    leader.add_routes(app)
    return app


async def serve(app: web.Application, port: int) -> web.AppRunner:
    """Start serving on every address, over a bounded number of connections; `cleanup` of the runner ends it."""
    connections = BoundedConnections(MAX_CONNECTIONS)

    @web.middleware
    async def mark(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.answering(request.transport):
            return await handler(request)

    async def close(_app: web.Application) -> None:
        connections.close()

    app.middlewares.append(mark)
    app.on_shutdown.append(close)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    if runner.server is not None:
        await connections.listen(runner.server, None, port)
    return runner
