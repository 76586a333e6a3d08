"""Where the sidecar listens: its pages on one port, over a bounded number of connections."""

from aiohttp import web
from aiohttp.typedefs import Handler

from modelmonitor_api.connections import BoundedConnections

MAX_CONNECTIONS = 128
SHUTDOWN_SECONDS = 0.1


async def serve(application: web.Application, host: str, port: int) -> web.AppRunner:
    """Start serving; `cleanup` of the runner ends it. An empty host means every address."""
    connections = BoundedConnections(MAX_CONNECTIONS)

    @web.middleware
    async def mark(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.answering(request.transport):
            return await handler(request)

    async def close(_application: web.Application) -> None:
        connections.close()

    application.middlewares.append(mark)
    application.on_shutdown.append(close)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    if runner.server is not None:
        await connections.listen(runner.server, host or None, port)
    return runner
