"""The chart and the real Helm."""

from pathlib import Path

import pytest

from modelmonitor_testbed.tools import HELM, tool
from tests.chart.rendering import Chart


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    """The chart and the real Helm."""
    return Chart(tool(HELM, "helm"), tmp_path)
