"""HTTP as one may speak it with a process of a tenant: plain, by address, no redirects, no proxies, bounded bodies.

The bound holds after decompression and while decompressing. Bodies beyond a small size need one of a few places, so
that many large answers at once cannot use up the sidecar's memory; an address has one place at a time, so that a slow
pod does not take them all.

No connection outlives its answer. A Triton that ends waits for the connections that are open, up to its exit timeout
(`HTTPServer::Stop` in src/http_server.cc of triton-inference-server/server), and an address may be another pod's next.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import aiohttp

from modelmonitor_sidecar.sources.endpoint_errors import (
    connection_error,
    html_error,
    malformed_error,
    status_error,
    timeout_error,
    tls_error,
    too_large_error,
)

MAX_BODY_BYTES = 4 * 1024 * 1024
SMALL_BODY_BYTES = 256 * 1024
LARGE_BODIES_AT_ONCE = 4
CHUNK_BYTES = 64 * 1024
TLS_PROBE_SECONDS = 0.5
_ACCEPTED = {"Accept-Encoding": "gzip, deflate", "User-Agent": "modelmonitor-sidecar"}
_PLAIN, _DEFLATED = ("", "identity"), ("gzip", "x-gzip", "deflate")


@dataclass(frozen=True, slots=True)
class BoundedAnswer:
    """A complete answer; shaped like aiohttp's response as far as the Triton client looks at it."""

    status: int
    body: bytes
    content_type: str = ""

    async def read(self) -> bytes:
        """The body, that is already here."""
        return self.body

    @property
    def text(self) -> str:
        """The body's first characters, for messages."""
        return self.body[:1000].decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Whether a web page came."""
        return self.content_type == "text/html" or self.body[:256].lstrip()[:1] == b"<"


class _Inflater:
    """Gzip and deflate, a bounded piece at a time."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What one chunk inflates to, made only as fast as it is taken.

        Raises:
            zlib.error: it is not what it says, or goes on after its end: zlib would keep all that comes there.
        """
        while chunk:
            if self._engine.eof:
                raise zlib.error("it goes on after its end")
            yield self._engine.decompress(chunk, CHUNK_BYTES)
            chunk = self._engine.unconsumed_tail or self._engine.unused_data

    def finish(self) -> None:
        """Say that no more comes.

        Raises:
            zlib.error: the end is missing, so what came may lack any number of lines.
        """
        if not self._engine.eof:
            raise zlib.error("it ends too soon")


class BoundedHttp:
    """One session for all targets. Every answer is read here, and nowhere else."""

    def __init__(self, deadline_seconds: float) -> None:
        self.deadline_seconds = deadline_seconds
        self._large = asyncio.Semaphore(LARGE_BODIES_AT_ONCE)
        self._large_of_address: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, use_dns_cache=False, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_ACCEPTED,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def ask(self, method: str, url: str) -> BoundedAnswer:
        """A complete answer with status 200, 400 or 503; what these mean is for the caller to say.

        Raises:
            EndpointError: there was none in time, or it is none that Triton gives.
        """
        try:
            async with asyncio.timeout(self.deadline_seconds):
                answer = await self._ask(method, url)
        except TimeoutError as error:
            raise timeout_error(url, self.deadline_seconds) from error
        except (aiohttp.ClientError, OSError) as error:
            if not isinstance(error, aiohttp.ClientConnectorError) and await _speaks_tls(url):
                raise tls_error(url) from error
            raise connection_error(error, url) from error
        if answer.is_html and answer.status not in {401, 403}:
            raise tls_error(url) if "HTTPS" in answer.text else html_error(url)
        if answer.status == 400 and "HTTPS" in answer.text:
            raise tls_error(url)
        if answer.status not in {200, 400, 503}:
            raise status_error(answer.status, url, answer.text)
        return answer

    async def _ask(self, method: str, url: str) -> BoundedAnswer:
        async with self._session.request(method, url, allow_redirects=False) as response:
            body = await self._read(response, url)
            return BoundedAnswer(response.status, body, response.content_type)

    async def _read(self, response: aiohttp.ClientResponse, url: str) -> bytes:
        body = bytearray()
        async with AsyncExitStack() as places:
            async for piece in _pieces(response, url):
                if len(body) + len(piece) > MAX_BODY_BYTES:
                    raise too_large_error(url, MAX_BODY_BYTES)
                if len(body) <= SMALL_BODY_BYTES < len(body) + len(piece):
                    address = response.url.host or ""
                    own = self._large_of_address.setdefault(address, asyncio.Semaphore(1))
                    await places.enter_async_context(own)
                    await places.enter_async_context(self._large)
                body += piece
        return bytes(body)


async def _pieces(response: aiohttp.ClientResponse, url: str) -> AsyncIterator[bytes]:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _PLAIN + _DEFLATED:
        raise malformed_error(url, f"the encoding {encoding!r} was not asked for")
    chunks = response.content.iter_chunked(CHUNK_BYTES)
    if encoding in _PLAIN:
        async for chunk in chunks:
            yield chunk
        return
    inflater = None
    try:
        async for chunk in chunks:
            inflater = inflater or _Inflater()
            for piece in inflater.pieces(chunk):
                yield piece
        if inflater is not None:
            inflater.finish()
    except zlib.error as error:
        raise malformed_error(url, f"the {encoding} body is broken: {error}") from error


async def _speaks_tls(url: str) -> bool:
    """Whether a TLS handshake succeeds where plain HTTP did not. No certificate is checked: nothing is sent."""
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # Without the system's authorities, which take 20 ms to load.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(TLS_PROBE_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    except (OSError, EOFError, TimeoutError):
        return False
    writer.transport.abort()
    return True
