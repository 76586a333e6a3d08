"""What the log says when a state changes."""

import logging

import pytest

from modelmonitor_api.summary import SourceState
from modelmonitor_sidecar.change_log import log_change


@pytest.mark.parametrize(
    ("state", "message", "expected"),
    [
        pytest.param(SourceState.OK, "", (logging.INFO, "NVML is Ok"), id="well"),
        pytest.param(SourceState.HUNG, "it hangs", (logging.WARNING, "NVML is Hung: it hangs"), id="not well"),
    ],
)
def test_a_change_is_one_line_with_its_reason(
    caplog: pytest.LogCaptureFixture, state: SourceState, message: str, expected: tuple[int, str]
) -> None:
    caplog.set_level(logging.INFO)
    log_change(logging.getLogger("x"), "NVML", state, message)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [expected]
