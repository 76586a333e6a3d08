"""Serves `/v1/summary` for many sidecars at once, each on a loopback address of its own, signed as the real one's."""

from collections.abc import Callable, Iterable

from aiohttp import web

from modelmonitor_api import names
from modelmonitor_api.signing import sign_answer, sign_request, verify

Body = Callable[[str], bytes | None]
"""The summary of the sidecar pod with this UID; None where there is none."""

Key = Callable[[], bytes]


def sidecar_address(number: int) -> str:
    """Loopback address of the sidecar of a node: a whole /8 of them is there."""
    return f"127.80.{number // 250}.{number % 250 + 1}"


def build_app(body_of: Body, key: Key) -> web.Application:
    """The page; a request that is not signed is refused as the sidecar refuses it."""

    async def answer(request: web.Request) -> web.Response:
        uid = request.headers.get(names.POD_UID_HEADER, "")
        nonce = request.headers.get(names.NONCE_HEADER, "")
        secret = key()
        if not verify(sign_request(secret, nonce, uid), request.headers.get(names.SIGNATURE_HEADER, "")):
            return web.Response(status=401, text="the signature is wrong")
        body = body_of(uid)
        if body is None:
            return web.Response(status=503, text="no such sidecar")
        headers = {names.SIGNATURE_HEADER: sign_answer(secret, nonce, uid, body), "Content-Type": "application/json"}
        return web.Response(body=body, headers=headers)

    app = web.Application()
    app.router.add_get(names.SUMMARY_PATH, answer)
    return app


async def serve(app: web.Application, addresses: Iterable[str]) -> web.AppRunner:
    """Listen on the sidecar's port of every address; `cleanup` of the runner ends it."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    for address in addresses:
        await web.TCPSite(runner, address, names.SIDECAR_PORT).start()
    return runner
