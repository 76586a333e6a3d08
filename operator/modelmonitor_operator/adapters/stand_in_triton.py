"""A server that answers as a Triton without models does, for `helm test`: the sidecar reads it like any other.

Source of the paths: the KServe v2 protocol and Triton's statistics and model-repository extensions,
https://github.com/triton-inference-server/server/tree/main/docs/protocol
"""

from aiohttp import web

_METRICS = "# TYPE nv_pinned_memory_pool_used_bytes gauge\nnv_pinned_memory_pool_used_bytes 0\n"


async def _ready(_request: web.Request) -> web.Response:
    return web.Response()


async def _metadata(_request: web.Request) -> web.Response:
    return web.json_response({"name": "helm-test", "version": "0", "extensions": []})


async def _statistics(_request: web.Request) -> web.Response:
    return web.json_response({"model_stats": []})


async def _index(_request: web.Request) -> web.Response:
    return web.json_response([])


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(text=_METRICS)


def build_stand_in() -> web.Application:
    """Triton's HTTP API and its metrics page, on one port."""
    app = web.Application()
    app.router.add_get("/v2", _metadata)
    app.router.add_get("/v2/health/ready", _ready)
    app.router.add_get("/v2/health/live", _ready)
    app.router.add_get("/v2/models/stats", _statistics)
    app.router.add_post("/v2/repository/index", _index)
    app.router.add_get("/metrics", _metrics)
    return app
