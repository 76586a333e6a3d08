"""Durations and shares are read and written as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelmonitor_api.quantities import model_selected, parse_duration, render_decimal, render_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15s", 15), ("5m", 300), ("50ms", 0.05), ("1h30m", 5400), ("1s500ms", 1.5), ("1h0m0s0ms", 3600), ("0s", 0)],
)
def test_a_duration_is_its_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "1.5s", "-1s", "5s5m", "1 s", "1d", "s", "5m\n"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write for example 15s"):
        parse_duration(text)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_every_part_of_a_duration_counts(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    total = parse_duration(f"{hours}h{minutes}m{seconds}s{milliseconds}ms")
    assert total == pytest.approx(hours * 3600 + minutes * 60 + seconds + milliseconds / 1000)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0000123, "12.3us"), (0.05, "50ms"), (1.5, "1.5s"), (300, "5m"), (7200, "2h")]
)
def test_a_length_of_time_is_shown_in_the_unit_that_people_use(seconds: float, text: str) -> None:
    assert render_duration(seconds) == text


@given(st.floats(0, 1e9, allow_nan=False))
def test_a_number_of_the_status_has_no_exponent_and_no_needless_zeros(value: float) -> None:
    text = render_decimal(value)
    assert "e" not in text.lower()
    assert "." not in text or not text.endswith(("0", "."))
    assert float(text) == pytest.approx(value, abs=0.0001)


@pytest.mark.parametrize(
    ("include", "exclude", "name", "watched"),
    [
        pytest.param(("*",), (), "fraud", True, id="a star is every model"),
        pytest.param(("*",), ("warmup-*",), "warmup-1", False, id="what is excluded is left out"),
        pytest.param(("fraud-?",), (), "fraud-12", False, id="a question mark is one character"),
        pytest.param(("fraud",), (), "Fraud", False, id="case counts"),
    ],
)
def test_models_are_chosen_by_shell_patterns(
    include: tuple[str, ...], exclude: tuple[str, ...], name: str, *, watched: bool
) -> None:
    assert model_selected(include, exclude, name) is watched
