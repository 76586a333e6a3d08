"""promtool reads the leader's pages, and finds nothing to say about their names and texts."""

import pytest

from modelmonitor_operator.leader_metrics import render_leader_page
from modelmonitor_testbed.promtool import check_metrics
from tests.unit.leader.costs import rich
from tests.unit.leader.test_leader_metrics import RICH
from tests.unit.leader.verdicts import finding, judgement, status
from tests.unit.operator.worlds import pod

WEIRD = 'a"b\\c\nd{{ $labels }}é'


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(render_leader_page(judgement()), id="a well monitor"),
        pytest.param(
            render_leader_page(judgement(status(finding()), RICH, pods=(pod(),), cost=rich())), id="every metric"
        ),
        pytest.param(render_leader_page(judgement(status(finding(WEIRD)))), id="a name with every quote"),
    ],
)
def test_promtool_has_nothing_to_say_about_the_leaders_page(page: bytes) -> None:
    check_metrics(page.decode())
