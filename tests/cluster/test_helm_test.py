"""`helm test` on a real node: it passes where everything works, and fails in time where nobody watches."""

import pytest

from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.installation import RELEASE, SYSTEM_NAMESPACE, Installation
from modelmonitor_testbed.process import CommandError

WHERE = ["--namespace", SYSTEM_NAMESPACE]
POD = f"{RELEASE}-test"


def set_timeout(house: Installation, seconds: int) -> None:
    chart = checkout_root() / "charts" / "modelmonitor"
    house.helm.run("upgrade", RELEASE, chart, *WHERE, "--reuse-values", f"--set=helmTest.timeoutSeconds={seconds}")


def test_helm_test_passes_and_leaves_nothing(house: Installation) -> None:
    said = house.helm.run("test", RELEASE, *WHERE, "--timeout=180s")
    assert "Succeeded" in said
    assert house.kubectl.find("modelmonitor", POD, SYSTEM_NAMESPACE) is None
    assert house.kubectl.find("pod", POD, SYSTEM_NAMESPACE) is None


def test_helm_test_fails_in_time_while_no_operator_runs(house: Installation) -> None:
    operator = f"deployment/{RELEASE}-operator"
    set_timeout(house, 5)
    house.kubectl.run("scale", operator, *WHERE, "--replicas=0")
    try:
        with pytest.raises(CommandError):
            house.helm.run("test", RELEASE, *WHERE, "--timeout=60s")
        assert "not Ready within 5 s" in house.kubectl.logs(POD, SYSTEM_NAMESPACE)
    finally:
        house.kubectl.run("scale", operator, *WHERE, "--replicas=1")
        house.kubectl.run("rollout", "status", operator, *WHERE, "--timeout=60s")
        house.kubectl.delete("pod", POD, SYSTEM_NAMESPACE)
        set_timeout(house, 120)
