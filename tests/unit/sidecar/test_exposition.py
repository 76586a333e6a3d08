"""Triton's metrics page, recorded and hostile."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmonitor_sidecar.exposition import (
    LINES_A_STEP,
    MAX_EXTRA_LABELS,
    MAX_LINES,
    MAX_MODELS,
    MAX_SERIES,
    ParsedPage,
    parse_in_steps,
    parse_page,
)
from tests.unit.sidecar.readings import page_text

GOOD = b'nv_inference_count{model="fast",version="1"} 7\n'


def only(body: bytes) -> ParsedPage:
    page = parse_page(body)
    assert len(page.series) == 1
    return page


def test_a_recorded_page_is_read_whole_and_has_no_bad_line() -> None:
    text = page_text("default", "served")
    page = parse_page(text)
    samples = [line for line in text.decode().splitlines() if not line.startswith("#")]
    assert (page.bad_lines, page.dropped_series, page.is_triton) == (0, 0, True)
    assert len(page.series) == len(samples)
    success = {s.labels.model: s.value for s in page.series if s.name == "nv_inference_request_success"}
    assert {f'nv_inference_request_success{{model="{m}",version="1"}} {v:.0f}' for m, v in success.items()} <= set(
        samples
    )
    assert success["fast"] == 20


def test_quantiles_that_triton_writes_as_nan_stay_nan() -> None:
    page = parse_page(page_text("summary-latencies", "served"))
    queue = [s for s in page.series if s.labels.model == "queue" and s.labels.get("quantile") == "0.99"]
    assert queue
    assert all(math.isnan(s.value) for s in queue)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"<html><body>nothing here</body></html>", id="a line of HTML"),
        pytest.param(b'nv_inference_count{model="a",version="1"', id="braces that never close"),
        pytest.param(b'nv_inference_count{model="a,version="1"} 1', id="a quote that never closes"),
        pytest.param(b'nv_inference_count{model="a",version="1"}', id="no value"),
        pytest.param(b'nv_inference_count{model="a",version="1"} 1_000', id="a value that only Python reads"),
        pytest.param(b'nv_inference_count{model="a",version="1"} -1', id="a counter below zero"),
        pytest.param(b'nv_inference_count{model="a",version="1"} NaN', id="a counter that is no number"),
        pytest.param(b'nv_inference_count{model="a",version="1"} +Inf', id="a counter without end"),
        pytest.param(b'nv_inference_count{model="a",version="1"} 1e300', id="a counter beyond 64 bits"),
        pytest.param(b"nv_inference_count 1", id="a model's series without a model"),
        pytest.param(b'nv_inference_count{model="\xff\xfe",version="1"} 1', id="bad UTF-8"),
        pytest.param(b'nv_inference_count{model="a"} 1 2 3', id="words after the timestamp"),
        pytest.param(b'nv_inference_count{model="a"} 1 soon', id="a timestamp that is none"),
        pytest.param(b"nv_inference_count{" + b"a" * 1_000_000 + b"} 1", id="a line of a megabyte"),
    ],
)
def test_a_bad_line_loses_that_line_alone_and_is_counted(line: bytes) -> None:
    page = only(GOOD + line + b"\n")
    assert page.bad_lines == 1
    assert page.series[0].value == 7


def test_labels_that_only_the_address_may_say_are_dropped() -> None:
    page = only(
        b'nv_inference_count{namespace="victim",pod="x",node="y",container="z",job="j",instance="i",__name__="n",modelmonitor="m",'
        b'service="s",endpoint="leader",'
        b'exported_team="kept",model="fast",version="1"} 1\n'
    )
    assert page.series[0].labels.text == 'model="fast",version="1",exported_team="kept"'


def test_escapes_in_labels_are_read_and_written_back() -> None:
    page = only(b'nv_inference_count{model="a\\"b\\\\c\\nd",version="1"} 1\n')
    assert page.series[0].labels.model == 'a"b\\c\nd'
    assert page.series[0].labels.text == 'model="a\\"b\\\\c\\nd",version="1"'


def test_series_that_differ_in_gpu_uuid_alone_are_added_up() -> None:
    page = only(
        b'nv_inference_count{model="a",version="1"} 1\n'
        b'nv_inference_count{gpu_uuid="GPU-1",model="a",version="1"} 2\n'
        b'nv_inference_count{gpu_uuid="GPU-2",model="a",version="1"} 4\n'
    )
    assert page.series[0].value == 7


def test_quantiles_are_never_added_up() -> None:
    name = b"nv_inference_request_summary_us"
    page = only(
        name + b'{model="a",version="1",quantile="0.99"} 5\n'
        + name + b'{model="a",version="1",quantile="0.99",gpu_uuid="GPU-1"} 9\n'
    )  # fmt: skip
    assert page.series[0].value == 9


def test_series_of_gpus_and_of_other_programs_do_not_pass() -> None:
    page = only(GOOD + b'nv_gpu_utilization{gpu_uuid="GPU-1"} 0\nup{job="evil"} 1\nmodelmonitor_model_ready 1\n')
    assert page.bad_lines == 0


def test_more_labels_than_the_cap_are_left_out() -> None:
    labels = b",".join(b'l%02d="x"' % n for n in range(100))
    page = only(b'nv_inference_count{model="a",version="1",' + labels + b"} 1\n")
    assert len(page.series[0].labels.extra) == MAX_EXTRA_LABELS


def test_labels_that_tell_quantiles_apart_are_kept_however_many_tags_there_are() -> None:
    tags = b",".join(b'_tag%02d="x"' % n for n in range(20))
    name = b'nv_inference_request_summary_us{model="a",version="1",'
    page = parse_page(name + tags + b',quantile="0.5"} 5\n' + name + tags + b',quantile="0.99"} 9\n')
    assert {(s.labels.get("quantile"), s.value) for s in page.series} == {("0.5", 5), ("0.99", 9)}
    assert {len(s.labels.extra) for s in page.series} == {MAX_EXTRA_LABELS}


def test_series_beyond_the_cap_are_dropped_and_counted() -> None:
    body = b"".join(b'nv_inference_count{model="a",version="1",tag="%d"} 1\n' % n for n in range(MAX_SERIES + 5))
    page = parse_page(body)
    assert (len(page.series), page.dropped_series) == (MAX_SERIES, 5)


def test_models_beyond_the_cap_are_dropped_and_counted_while_known_ones_go_on() -> None:
    lines = [b'nv_inference_count{model="m%d",version="1"} 1\n' % n for n in range(MAX_MODELS + 5)]
    page = parse_page(b"".join(lines) + b'nv_inference_exec_count{model="m0",version="1"} 1\n')
    assert (len(page.series), page.dropped_series) == (MAX_MODELS + 1, 5)


def test_lines_beyond_the_cap_are_not_read() -> None:
    page = parse_page(b"x\n" * (MAX_LINES + 10) + GOOD)
    assert page.series == ()
    assert page.dropped_series == 11


def test_a_page_is_read_in_steps_so_that_others_are_served_between() -> None:
    steps = list(parse_in_steps(GOOD * (3 * LINES_A_STEP)))
    assert [step is None for step in steps] == [True, True, True, False]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\n" * 4_000_000, id="line ends"),
        pytest.param(b"a\n" * 2_000_000, id="short words"),
        pytest.param(b'nv_inference_count{model="' + b"\\" * 4_000_000, id="backslashes"),
        pytest.param((b"nv_inference_count" + b"{" * 16_000 + b"\n") * 250, id="opening braces"),
        pytest.param((b"nv_inference_count{" + b"}" * 16_000 + b"\n") * 250, id="closing braces"),
        pytest.param((b"nv_inference_count{" + b'a="",' * 2_600 + b"} 1\n") * 250, id="labels"),
        pytest.param((b"nv_inference_count{a" + b" " * 16_000 + b"} 1\n") * 250, id="blanks"),
    ],
)
def test_four_hostile_megabytes_take_no_more_than_seconds(body: bytes) -> None:
    began = time.process_time()
    parse_page(body)
    assert time.process_time() - began < 3


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_no_bytes_make_the_parser_raise(body: bytes) -> None:
    parse_page(body)


_PIECES = st.sampled_from(
    ["nv_inference_count", "{", "}", 'model="a"', ",", '"', "\\", " ", "\n", "1", "NaN", "#", "=", "\r", "é", "e"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(_PIECES, max_size=60))
def test_no_order_of_the_formats_own_pieces_makes_the_parser_raise(pieces: list[str]) -> None:
    page = parse_page("".join(pieces).encode())
    assert all(series.value >= 0 for series in page.series)
