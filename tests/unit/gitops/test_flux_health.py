"""Flux' health of a ModelMonitor: the expressions as they are shipped, run by a CEL engine in Flux' order."""

from pathlib import Path

import cel
import pytest
import yaml

from tests.unit.gitops.kstatus import KStatus, compute
from tests.unit.gitops.states import VERDICTS, Monitor, condition, every_state, monitor, unseen, with_verdict

FILE = Path(__file__).parents[3] / "examples" / "gitops" / "flux" / "kustomization.yaml"
(EXPRESSIONS,) = yaml.safe_load(FILE.read_text())["spec"]["healthCheckExprs"]
ORDER = (("inProgress", KStatus.IN_PROGRESS), ("failed", KStatus.FAILED), ("current", KStatus.CURRENT))


def health(obj: Monitor) -> KStatus:
    """What Flux says; an expression that fails makes it wait, which is what InProgress means.

    Source: https://fluxcd.io/flux/components/kustomize/kustomizations/#health-check-expressions
    """
    status = obj.get("status", {})
    if "observedGeneration" in status and status["observedGeneration"] != obj["metadata"]["generation"]:
        return KStatus.IN_PROGRESS
    for name, answer in ORDER:
        try:
            if name in EXPRESSIONS and cel.evaluate(EXPRESSIONS[name], obj):
                return answer
        except RuntimeError:
            return KStatus.IN_PROGRESS
    return KStatus.IN_PROGRESS


def test_the_expressions_are_for_our_kind() -> None:
    assert (EXPRESSIONS["apiVersion"], EXPRESSIONS["kind"]) == ("modelmonitor.dev/v1alpha1", "ModelMonitor")


@pytest.mark.parametrize(
    ("obj", "status"),
    [
        pytest.param(unseen(), KStatus.IN_PROGRESS, id="no status yet"),
        pytest.param(monitor(), KStatus.IN_PROGRESS, id="no condition yet"),
        pytest.param(monitor(condition("Ready", "True", "Monitoring")), KStatus.CURRENT, id="ready"),
        pytest.param(monitor(condition("Ready", "True", "Suspended")), KStatus.CURRENT, id="suspended"),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), observed=1), KStatus.IN_PROGRESS, id="an old spec"
        ),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), observed=None), KStatus.IN_PROGRESS, id="of no spec"
        ),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), condition("Reconciling", "True", "RollingOut")),
            KStatus.IN_PROGRESS,
            id="ready, and more is on its way",
        ),
        pytest.param(monitor(condition("Ready", "False", "SidecarsFailed")), KStatus.IN_PROGRESS, id="not ready"),
        pytest.param(
            monitor(condition("Ready", "False", "InvalidSpec"), condition("Stalled", "True", "InvalidSpec")),
            KStatus.FAILED,
            id="stalled",
        ),
    ],
)
def test_flux_says(obj: Monitor, status: KStatus) -> None:
    assert health(obj) is status


def test_over_every_state_flux_differs_from_kstatus_only_where_nothing_is_known_yet() -> None:
    differing = [
        (obj, health(obj), compute(obj)) for obj in every_state() if "deletionTimestamp" not in obj["metadata"]
    ]
    assert len(differing) > 500
    for obj, flux, kstatus in differing:
        conditions = {each["type"]: each["status"] for each in obj.get("status", {}).get("conditions", [])}
        unknown = "Ready" not in conditions or "observedGeneration" not in obj["status"]
        both = conditions.get("Stalled") == conditions.get("Reconciling") == "True"
        assert flux is kstatus or (unknown and flux is KStatus.IN_PROGRESS) or both, obj


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: f"{verdict['type']}={verdict['status']}")
def test_neither_flux_nor_kstatus_waits_or_fails_for_a_verdict_on_models_or_money(verdict: dict[str, str]) -> None:
    for obj in every_state():
        changed = with_verdict(obj, verdict)
        assert (health(changed), compute(changed)) == (health(obj), compute(obj)), changed
