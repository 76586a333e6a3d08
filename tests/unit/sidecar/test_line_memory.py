"""What a pod's last page said before its values spares work, and never changes what is read."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmonitor_sidecar import exposition
from modelmonitor_sidecar.exposition import (
    LineMemory,
    ParsedPage,
    parse_in_steps,
    parse_page,
)
from tests.unit.sidecar.readings import page_text

GOOD = b'nv_inference_count{model="fast",version="1"} 7\n'


def counted(model: str, value: int) -> bytes:
    return f'nv_inference_count{{model="{model}",version="1"}} {value}\n'.encode()


def values(page: ParsedPage) -> dict[tuple[str, str], str]:
    """By name and labels; as text, because NaN equals nothing."""
    return {(series.name, series.labels.text): repr(series.value) for series in page.series}


def same(left: ParsedPage, right: ParsedPage) -> bool:
    counts = [(page.bad_lines, page.dropped_series, page.is_triton) for page in (left, right)]
    return values(left) == values(right) and counts[0] == counts[1]


@pytest.mark.parametrize("folder", ["default", "summary-latencies"])
def test_a_recorded_page_reads_the_same_a_second_time(folder: str) -> None:
    memory, text = LineMemory(), page_text(folder, "served")
    first = parse_page(text, memory)
    assert len(memory) == sum(bool(series.labels.text) for series in first.series) > 50
    assert same(parse_page(text, memory), first)


def test_lines_of_the_last_page_are_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = LineMemory()
    parse_page(counted("fast", 7), memory)
    monkeypatch.delattr(exposition, "parse_labels")
    assert values(parse_page(counted("fast", 8), memory)) == {("nv_inference_count", 'model="fast",version="1"'): "8.0"}


def test_a_label_that_changes_makes_another_series() -> None:
    memory = LineMemory()
    parse_page(counted("fast", 7), memory)
    page = parse_page(counted("faster", 7), memory)
    assert [series.labels.model for series in page.series] == ["faster"]
    assert len(memory) == 1


def test_a_page_that_was_read_keeps_its_values_when_the_next_one_is_read() -> None:
    memory = LineMemory()
    parse_page(counted("fast", 6), memory)
    page = parse_page(counted("fast", 7), memory)
    parse_page(counted("fast", 8), memory)
    assert page.series[0].value == 7


def test_series_that_differ_in_gpu_uuid_alone_are_added_up_on_each_page() -> None:
    memory = LineMemory()
    lines = b"".join(b'nv_inference_count{gpu_uuid="GPU-%d",model="a",version="1"} %d\n' % (n, 2**n) for n in range(3))
    assert [parse_page(lines, memory).series[0].value for _ in range(3)] == [7, 7, 7]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'nv_inference_count{model="fast",version="1"} -1', id="a counter below zero"),
        pytest.param(b'nv_inference_count{model="fast",version="1"} NaN', id="a counter that is no number"),
        pytest.param(b'nv_inference_count{model="fast",version="1"} 1e300', id="a counter beyond 64 bits"),
        pytest.param(b'nv_inference_count{model="fast",version="1"} 1_0', id="a value that only Python reads"),
        pytest.param(b'nv_inference_count{model="fast",version="1"} \xff', id="bad UTF-8"),
        pytest.param(b'nv_inference_count{model="fast",version="1"} ', id="no value"),
    ],
)
def test_a_known_line_with_a_bad_value_is_a_bad_line(line: bytes) -> None:
    memory = LineMemory()
    parse_page(GOOD, memory)
    page = parse_page(line + b"\n", memory)
    assert (page.series, page.bad_lines) == ((), 1)


def test_a_brace_within_a_label_teaches_nothing_about_the_text_before_it() -> None:
    memory = LineMemory()
    odd = b'nv_inference_count{model="a",version="1",tag="} x"} 5\n'
    cut = b'nv_inference_count{model="a",version="1",tag="} 6\n'
    assert parse_page(odd, memory).bad_lines == 0
    assert same(parse_page(cut, memory), parse_page(cut))


def tagged(numbers: range, tag: str = "") -> bytes:
    """A line of another tag for each number."""
    return "".join(f'nv_inference_count{{model="m",version="1",tag="{n}{tag}"}} {n}\n' for n in numbers).encode()


def test_a_memory_holds_the_last_page_alone() -> None:
    memory = LineMemory()
    parse_page(tagged(range(500)), memory)
    parse_page(tagged(range(1000, 1009)), memory)
    assert len(memory) == 9


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param("", id="short labels"),
        pytest.param("x" * 1000, id="long ones"),
        pytest.param('\\"' * 100, id="escapes"),
    ],
)
def test_a_memory_holds_no_more_bytes_than_it_may_while_every_line_is_read(tag: str) -> None:
    most = 1_000_000
    memory, pages = LineMemory(most), [tagged(range(start, start + 4000), tag) for start in (0, 0, 5000)]
    tracemalloc.start()
    try:
        assert [len(parse_page(page, memory).series) for page in pages] == [4000] * 3
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0 < len(memory) < 4000
    assert most / 4 < held <= most


def test_a_page_whose_reading_is_broken_off_leaves_the_memory_as_it_was() -> None:
    memory = LineMemory()
    parse_page(GOOD, memory)
    next(parse_in_steps(counted("other", 1) * 1000, memory))
    assert same(parse_page(GOOD, memory), parse_page(GOOD))
    assert len(memory) == 1


_PIECES = st.sampled_from(
    ["nv_inference_count", "{", "}", 'model="a"', 'b="', ",", '"', "\\", " ", "\t", "\n", "1", "NaN", "e", "é"]
)
_LINES = st.sampled_from(
    [
        'nv_inference_count{model="a"} ',
        'nv_inference_count{model="a",b="} ',
        'nv_inference_count{model="a",b="} c"} ',
        'nv_inference_count{model="a"} 5 ',
        'nv_inference_pending_request_count{model="a"} ',
        "1\n",
        "-1\n",
        "NaN\n",
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(_PIECES | _LINES, max_size=30).map("".join), min_size=2, max_size=4))
def test_whatever_came_before_a_page_is_read_as_if_nothing_had_come(texts: list[str]) -> None:
    memory = LineMemory()
    for text in texts:
        assert same(parse_page(text.encode(), memory), parse_page(text.encode()))
