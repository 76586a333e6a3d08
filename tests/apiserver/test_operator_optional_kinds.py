"""CRDs of other operators come and go while ours runs: nothing crashes, and the objects follow."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.prometheus.operator import install_crds, remove_crds
from tests.apiserver.children import PROMETHEUS_KINDS, child
from tests.apiserver.installation import Installation, condition


@pytest.fixture
def installed(kubectl: Kubectl, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(kubectl, tmp_path, "kinds")
    installation.prepare()
    yield installation
    installation.stop()
    remove_crds(kubectl, *PROMETHEUS_KINDS)


def test_crds_may_come_after_the_operator_and_go_again(installed: Installation) -> None:
    operator = installed.start()
    installed.kubectl.apply(installed.monitor(prometheus={"serviceMonitor": "Enabled"}))
    wait_until(lambda: child(installed, "service", "fraud"), 10, "the targets need no CRD")

    def said() -> str:
        return str(condition(installed.status(), "MonitoringSelected").get("message", ""))

    wait_until(
        lambda: "servicemonitors.monitoring.coreos.com is not installed" in said(), 20, "the status names the CRD"
    )
    install_crds(installed.kubectl, *PROMETHEUS_KINDS)
    for kind in ("servicemonitor", "prometheusrule"):
        wait_until(lambda kind=kind: child(installed, kind, "fraud"), 20, f"the {kind} is there")
    remove_crds(installed.kubectl, "servicemonitors")
    wait_until(
        lambda: "servicemonitors.monitoring.coreos.com is not installed" in said(), 20, "the status names it again"
    )
    assert child(installed, "prometheusrule", "fraud") is not None
    install_crds(installed.kubectl, "servicemonitors")
    wait_until(lambda: child(installed, "servicemonitor", "fraud"), 20, "it is back")
    assert operator.child.poll() is None
    loud = [line for line in map(json.loads, operator.log.read_text().splitlines()) if line["level"] not in ("info",)]
    assert len(loud) < 12, loud
