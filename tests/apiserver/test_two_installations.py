"""Two installations in one cluster: each has its namespaces, and in a namespace of both the first one's plans stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation, condition

NODE = "shared-n1"


@dataclass
class Neighbour(Installation):
    """Another release in the namespace of the first, with names of its own, for another team."""

    @property
    def system(self) -> str:
        """The first one's."""
        return "shared-system"

    def settings(self, port: int) -> dict[str, Any]:
        """Names as the chart makes them of the release's."""
        names = {"sidecarName": "other-sidecar", "anchorName": "other-anchor"}
        given = super().settings(port)
        return {**given, **names, "lease": {**given["lease"], "name": "other-operator"}}

    def anchor(self) -> dict[str, Any]:
        """The anchor of its own chart."""
        return {**super().anchor(), "metadata": {"name": "other-anchor", "namespace": self.system}}


@pytest.fixture
def both(kubectl: Kubectl, tmp_path: Path) -> Iterator[tuple[Installation, Neighbour]]:
    first, second = Installation(kubectl, tmp_path, "shared"), Neighbour(kubectl, tmp_path, "neighbour")
    for installed in (first, second):
        installed.prepare()
    first.node(NODE)
    yield first, second
    for installed in (second, first):
        installed.stop()


def test_the_second_of_two_that_share_a_sidecars_namespace_leaves_the_plans_alone_and_says_what_to_do(
    both: tuple[Installation, Neighbour],
) -> None:
    first, second = both
    for number, installed in enumerate(both, 1):
        installed.start()
        installed.kubectl.apply(installed.monitor())
        installed.triton_pod("t1", NODE, f"10.99.9.{number}")
        if installed is first:
            plan = wait_until(lambda: first.plan(NODE), 15, "the first has planned its pod")
    wait_until(lambda: second.find("daemonset", "other-sidecar"), 15, "the second has sidecars of its own")
    said = wait_until(
        lambda: condition(second.status(), "SidecarsReady").get("message", ""), 15, "the second has a verdict"
    )
    wait_until(
        lambda: "sidecar.namespace" in condition(second.status(), "SidecarsReady")["message"],
        15,
        lambda: f"it says what to do, and not {said}",
    )
    assert "another installation, modelmonitor-sidecar" in condition(second.status(), "SidecarsReady")["message"]
    after = first.plan(NODE)
    assert after is not None
    assert after["metadata"]["resourceVersion"] == plan["metadata"]["resourceVersion"]
    second.kubectl.delete("modelmonitor", "fraud", second.tenant)
    wait_until(lambda: not second.find("daemonset", "other-sidecar"), 15, "its sidecars go with its last monitor")
    assert first.daemon_set() is not None
    assert first.plan(NODE) == after
