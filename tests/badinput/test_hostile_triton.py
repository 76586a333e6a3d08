"""Whatever serves the port: the state says which case it is, and the message what a person can do."""

import asyncio
import gzip
import ssl
import time
import zlib
from pathlib import Path

import pytest

from modelmonitor_api.summary import EndpointState
from modelmonitor_sidecar.sources.bounded_http import MAX_BODY_BYTES
from modelmonitor_sidecar.sources.triton import PageReading, TritonReader
from tests.edge.sidecar.loopback import answer, raw_server, recorded_triton, says
from tests.unit.sidecar.readings import pod

GOOD = b'nv_inference_count{model="fast",version="1"} 7\n'
HTML = b"<!DOCTYPE html><html><body>Welcome to nginx!</body></html>"
BOMB = gzip.compress(b"nv_x 1\n" * 40_000_000)


async def page_of(reader: TritonReader, *pieces: bytes) -> PageReading:
    async with raw_server(says(*pieces)) as port:
        return await reader.read_page(pod(metrics=port))


@pytest.mark.parametrize(
    ("given", "state", "words"),
    [
        pytest.param(answer(HTML, kind="text/html"), EndpointState.HTML, "another program serves this port", id="HTML"),
        pytest.param(answer(HTML), EndpointState.HTML, "another program", id="HTML that says it is text"),
        pytest.param(answer(b""), EndpointState.EMPTY, "empty page", id="an empty page with 200"),
        pytest.param(answer(b"\n \n"), EndpointState.EMPTY, "empty page", id="a blank page with 200"),
        pytest.param(
            answer(BOMB, more="Content-Encoding: gzip\r\n"), EndpointState.TOO_LARGE, "4 MiB", id="a gzip bomb"
        ),
        pytest.param(
            answer(zlib.compress(b"nv_x 1\n" * 9_000_000), more="Content-Encoding: deflate\r\n"),
            EndpointState.TOO_LARGE,
            "4 MiB",
            id="a deflate bomb",
        ),
        pytest.param(
            answer(b"no gzip", more="Content-Encoding: gzip\r\n"), EndpointState.MALFORMED, "broken", id="broken gzip"
        ),
        pytest.param(
            answer(gzip.compress(GOOD * 9)[:-9], more="Content-Encoding: gzip\r\n"),
            EndpointState.MALFORMED,
            "ends too soon",
            id="gzip without its end",
        ),
        pytest.param(
            answer(gzip.compress(GOOD) + b"\0" * 500_000, more="Content-Encoding: gzip\r\n"),
            EndpointState.MALFORMED,
            "goes on after its end",
            id="gzip that goes on after its end",
        ),
        pytest.param(
            answer(b"", more="Content-Encoding: gzip\r\n"),
            EndpointState.EMPTY,
            "empty page",
            id="an empty page as gzip",
        ),
        pytest.param(
            answer(GOOD, more="Content-Encoding: br\r\n"), EndpointState.MALFORMED, "br", id="an encoding not asked for"
        ),
        pytest.param(answer(b"x" * (MAX_BODY_BYTES + 1)), EndpointState.TOO_LARGE, "4 MiB", id="a body too large"),
        pytest.param(
            answer(b"", status="302 Found", more="Location: http://127.0.0.1:1/\r\n"),
            EndpointState.HTTP_ERROR,
            "redirects are not followed",
            id="a redirect",
        ),
        pytest.param(answer(b"no", status="403 Forbidden"), EndpointState.FORBIDDEN, "credentials", id="403"),
        pytest.param(
            answer(HTML, status="403 Forbidden", kind="text/html"), EndpointState.FORBIDDEN, "mesh", id="403 as HTML"
        ),
        pytest.param(answer(b"no", status="401 Unauthorized"), EndpointState.FORBIDDEN, "credentials", id="401"),
        pytest.param(answer(b"gone", status="404 Not Found"), EndpointState.HTTP_ERROR, "404: gone", id="404"),
        pytest.param(answer(b"", status="400 Bad Request"), EndpointState.HTTP_ERROR, "400", id="400"),
        pytest.param(
            answer(b"Client sent an HTTP request to an HTTPS server.\n", status="400 Bad Request"),
            EndpointState.TLS,
            "speaks TLS",
            id="a TLS port that explains itself",
        ),
        pytest.param(answer(b"up 1\n"), EndpointState.MALFORMED, "nv_", id="another exporter's page"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", EndpointState.MALFORMED, "no HTTP", id="another protocol"),
        pytest.param(b"", EndpointState.UNREACHABLE, "closed the connection", id="a connection closed at once"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
            EndpointState.MALFORMED,
            "no HTTP",
            id="a header of 100 kB",
        ),
        pytest.param(answer(GOOD)[:-10], EndpointState.MALFORMED, "no HTTP", id="a body that ends too soon"),
    ],
)
async def test_what_is_no_metrics_page_is_named(
    reader: TritonReader, given: bytes, state: EndpointState, words: str
) -> None:
    seen = await page_of(reader, given)
    assert (seen.endpoint.state, seen.page.series) == (state, ())
    assert words in seen.endpoint.message
    assert "http://127.0.0.1:" in seen.endpoint.message
    assert len(seen.endpoint.message) < 512


async def test_nothing_listening_is_refused(reader: TritonReader) -> None:
    async with raw_server(says()) as port:
        pass
    seen = await reader.read_page(pod(metrics=port))
    assert seen.endpoint.state is EndpointState.REFUSED
    assert "nothing listens" in seen.endpoint.message


async def test_a_port_that_speaks_tls_is_named(reader: TritonReader, certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with raw_server(says(answer(GOOD)), tls) as port:
        http, page = await reader.read(pod(http=port, metrics=port))
    assert (http.endpoint.state, page.endpoint.state) == (EndpointState.TLS, EndpointState.TLS)


async def _endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(GOOD * 1000)
        await writer.drain()


async def _drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_an_endless_body_is_cut_at_the_cap(reader: TritonReader) -> None:
    async with raw_server(_endless) as port:
        seen = await reader.read_page(pod(metrics=port))
    assert seen.endpoint.state is EndpointState.TOO_LARGE


@pytest.mark.parametrize("conversation", [pytest.param(_drip, id="a drip"), pytest.param(_silence, id="silence")])
async def test_an_answer_that_never_ends_is_cut_at_the_deadline(reader: TritonReader, conversation: object) -> None:
    began = time.monotonic()
    async with raw_server(conversation) as port:
        http, page = await reader.read(pod(http=port, metrics=port))
    assert (http.endpoint.state, page.endpoint.state) == (EndpointState.TIMEOUT, EndpointState.TIMEOUT)
    assert "within 1 s" in page.endpoint.message
    assert time.monotonic() - began < 2.5


async def _large_and_slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + GOOD * 20_000)
    await writer.drain()
    await asyncio.sleep(5)


async def test_large_bodies_of_a_slow_pod_do_not_keep_another_pods_large_page_waiting(reader: TritonReader) -> None:
    large = says(answer(GOOD * 6_000))
    async with raw_server(_large_and_slow) as slow, raw_server(large, host="127.0.0.2") as good:
        hostile = [asyncio.create_task(reader.read(pod(http=slow, metrics=slow))) for _ in range(2)]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        seen = await reader.read_page(pod(ip="127.0.0.2", metrics=good))
        waited = time.monotonic() - began
        await asyncio.gather(*hostile)
    assert seen.endpoint.state is EndpointState.OK
    assert waited < 0.5, "the slow pod's answers end after 0.8 s more"


async def test_many_large_bodies_at_once_do_not_keep_a_small_page_waiting(reader: TritonReader) -> None:
    async with raw_server(_large_and_slow) as slow, raw_server(says(answer(GOOD))) as good:
        hostile = [asyncio.create_task(reader.read_page(pod(metrics=slow))) for _ in range(20)]
        await asyncio.sleep(0.2)
        seen = await reader.read_page(pod(metrics=good))
        assert seen.endpoint.state is EndpointState.OK
        states = {(await task).endpoint.state for task in hostile}
    assert states == {EndpointState.TIMEOUT}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'nv_inference_count{model="' + b"a" * 1_000_000 + b'",version="1"} 1\n', id="a line of 1 MB"),
        pytest.param(b'nv_inference_count{model="\xc3\x28",version="1"} 1\n', id="bad UTF-8"),
    ],
)
async def test_a_bad_line_is_counted_and_the_rest_of_the_page_is_read(reader: TritonReader, line: bytes) -> None:
    seen = await page_of(reader, answer(line + GOOD))
    assert seen.endpoint.state is EndpointState.OK
    assert (len(seen.page.series), seen.page.bad_lines) == (1, 1)


async def test_a_page_in_gzip_is_read_as_well(reader: TritonReader) -> None:
    seen = await page_of(reader, answer(gzip.compress(GOOD), more="Content-Encoding: gzip\r\n"))
    assert (seen.endpoint.state, len(seen.page.series)) == (EndpointState.OK, 1)


async def test_another_tenants_namespace_label_does_not_pass(reader: TritonReader) -> None:
    line = b'nv_inference_count{namespace="victim",pod="v",node="v",model="fast",version="1"} 9\n'
    seen = await page_of(reader, answer(line))
    assert seen.page.series[0].labels.text == 'model="fast",version="1"'


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch, reader: TritonReader) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    seen = await page_of(reader, answer(GOOD))
    assert seen.endpoint.state is EndpointState.OK


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"[" * 90_000, "nested", id="JSON nested ninety thousand deep"),
        pytest.param(b'{"model_stats": [' + b"[]," * 1_000_000, "100000 values", id="JSON of a million lists"),
        pytest.param(b'{"model_stats": 5}', "no list model_stats", id="JSON of another form"),
        pytest.param(b'{"model_stats": [', "no JSON", id="JSON that ends too soon"),
        pytest.param(b'{"model_stats": "\xff\xfe"}', "JSON", id="JSON that is no UTF-8"),
    ],
)
async def test_json_that_is_not_tritons_is_malformed(reader: TritonReader, body: bytes, words: str) -> None:
    async with raw_server(says(answer(body, kind="application/json"))) as port:
        seen = await reader.read_http(pod(http=port))
    assert (seen.endpoint.state, seen.statistics) == (EndpointState.MALFORMED, None)
    assert words in seen.endpoint.message


async def test_an_error_in_tritons_own_words_is_passed_on(reader: TritonReader) -> None:
    body = b'{"error":"statistics are \\u001b[31m disabled"}'
    async with raw_server(says(answer(body, status="400 Bad Request", kind="application/json"))) as port:
        seen = await reader.read_http(pod(http=port))
    assert seen.server_ready is False
    assert seen.endpoint.state is EndpointState.HTTP_ERROR
    assert "400: statistics are [31m disabled" in seen.endpoint.message


async def test_a_good_server_beside_all_this_is_read_whole(reader: TritonReader) -> None:
    async with recorded_triton() as port:
        http, page = await reader.read(pod(http=port, metrics=port))
    assert (http.endpoint.state, page.endpoint.state) == (EndpointState.OK, EndpointState.OK)
    assert (http.server_ready, http.server_version) == (True, "2.51.0")
    assert http.statistics is not None
    assert http.statistics.keys() == {(name, "1") for name in ("ensemble", "failing", "fast", "queue", "slow")}
    assert page.page.bad_lines == 0


async def test_a_server_that_is_not_ready_is_read_and_no_error(reader: TritonReader) -> None:
    async with recorded_triton("broken-model", "served", ready=400) as port:
        http = await reader.read_http(pod(http=port))
    assert (http.endpoint.state, http.server_ready) == (EndpointState.OK, False)
    assert http.index is not None
    assert not http.index[("queue", "1")].ready
