"""promtool reads the sidecar's pages whole, and finds nothing to say about the names and texts of what is ours."""

from __future__ import annotations

import pytest

from modelmonitor_testbed.promtool import check_metrics
from tests.unit.sidecar.nodes import holder, monitor_page, sidecar_page, snapshot


def ours(page: str) -> str:
    """A page without Triton's own series, whose names and units are Triton's."""
    kept = []
    for line in page.splitlines():
        name = line.split(" ")[2] if line.startswith("#") else line
        if not name.startswith("nv_"):
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(sidecar_page(snapshot()), id="the sidecar's own page"),
        pytest.param(monitor_page(snapshot(holder("fraud-0", "GPU-0"))), id="a monitor's page"),
        pytest.param(monitor_page(snapshot(holder("fraud-0", "GPU-0"), sample_limit=100)), id="a page at its limit"),
    ],
)
def test_promtool_has_nothing_to_say_about_our_series(page: str) -> None:
    assert "modelmonitor_" in ours(page)
    check_metrics(ours(page))
