"""Argo CD's health of a ModelMonitor: the script as it is shipped, run by Lua 5.1."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

from modelmonitor_api.findings import FindingCode
from modelmonitor_operator.rollup import conditions
from tests.unit.gitops.kstatus import KStatus, compute
from tests.unit.gitops.states import READY, VERDICTS, Monitor, condition, every_state, monitor, unseen, with_verdict

FOLDER = Path(__file__).parents[3] / "examples" / "gitops" / "argocd"
SCRIPT = (FOLDER / "health.lua").read_text()
KEY = "resource.customizations.health.modelmonitor.dev_ModelMonitor"


def health(obj: Monitor) -> tuple[str, str]:
    """Status and message, as Argo CD would show them: the object is the global `obj`."""
    lua = LuaRuntime()
    lua.globals()["obj"] = to_lua(lua, obj)
    answer = lua.execute(SCRIPT)
    return str(answer["status"]), str(answer["message"])


def to_lua(lua: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: to_lua(lua, each) for key, each in value.items()})
    if isinstance(value, list):
        return lua.table_from([to_lua(lua, each) for each in value])
    return value


OK = (condition("Reconciling", "False", "Settled"), condition("Stalled", "False", "SpecRead"))
HEALTHY = condition("Healthy", "True", "Serving", "5 of 5 models healthy")
OVERSPENT = VERDICTS[0]
FAILING = condition("Healthy", "False", "ModelFailing", "fast:1 fails")


@pytest.mark.parametrize(
    ("obj", "status", "message"),
    [
        pytest.param(unseen(), "Progressing", "not looked", id="no status yet"),
        pytest.param(monitor(), "Progressing", "Ready is not known", id="a status without Ready"),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), observed=1),
            "Progressing",
            "newest spec",
            id="an old spec",
        ),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), *OK, HEALTHY),
            "Healthy",
            "models: Serving: 5 of 5 models healthy",
            id="all is well",
        ),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), *OK, FAILING),
            "Healthy",
            "models: ModelFailing: fast:1 fails",
            id="the monitoring works and a model does not",
        ),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), *OK, HEALTHY, OVERSPENT),
            "Healthy",
            "models: Serving: 5 of 5 models healthy; budget: BudgetExceeded: 5200.00 of 5000.00 EUR are spent",
            id="the budget is spent",
        ),
        pytest.param(
            monitor(condition("Ready", "True", "Suspended"), *OK), "Suspended", "Suspended: because", id="suspended"
        ),
        pytest.param(
            monitor(condition("Ready", "False", "ReadingsPending"), condition("Reconciling", "True", "RollingOut")),
            "Progressing",
            "RollingOut: because",
            id="sidecars roll out",
        ),
        pytest.param(
            monitor(condition("Ready", "False", "TargetsNotFound"), *OK),
            "Progressing",
            "TargetsNotFound: because",
            id="its pods are not there yet",
        ),
        pytest.param(
            monitor(condition("Ready", "False", "SidecarsFailed", ""), *OK),
            "Degraded",
            "SidecarsFailed",
            id="the sidecars cannot come up, and no message says more",
        ),
        pytest.param(
            monitor(condition("Ready", "False", "InvalidSpec"), condition("Stalled", "True", "InvalidSpec")),
            "Degraded",
            "InvalidSpec: because",
            id="a spec that cannot be read",
        ),
        pytest.param(
            monitor(condition("Ready", "True", "Monitoring"), *OK, deleting=True),
            "Progressing",
            "being deleted",
            id="being deleted",
        ),
    ],
)
def test_argo_cd_shows(obj: Monitor, status: str, message: str) -> None:
    shown = health(obj)
    assert shown[0] == status
    assert message in shown[1]


def test_over_every_state_argo_cd_agrees_with_kstatus() -> None:
    states = list(every_state())
    assert len(states) > 1000
    lua = LuaRuntime()
    judge = lua.eval(f"function(obj) {SCRIPT} end")
    for obj in states:
        argo, kstatus = judge(to_lua(lua, obj))["status"], compute(obj)
        assert (argo in {"Healthy", "Suspended"}) <= (kstatus is KStatus.CURRENT), obj
        assert (kstatus in {KStatus.TERMINATING}) <= (argo == "Progressing"), obj
        assert (kstatus is KStatus.FAILED) <= (argo in {"Degraded", "Progressing"}), obj


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: f"{verdict['type']}={verdict['status']}")
def test_no_verdict_on_models_or_money_changes_the_health_of_the_monitoring(verdict: dict[str, str]) -> None:
    lua = LuaRuntime()
    judge = lua.eval(f"function(obj) {SCRIPT} end")
    for obj in every_state():
        changed = with_verdict(obj, verdict)
        assert judge(to_lua(lua, changed))["status"] == judge(to_lua(lua, obj))["status"], changed


def test_a_health_is_never_missing_and_always_one_of_argo_cds_words() -> None:
    lua = LuaRuntime()
    judge = lua.eval(f"function(obj) {SCRIPT} end")
    answers = [judge(to_lua(lua, obj)) for obj in every_state()]
    assert {answer["status"] for answer in answers} == {"Healthy", "Progressing", "Degraded", "Suspended"}
    assert all(answer["message"] for answer in answers)


def test_the_table_of_states_has_every_reason_of_ready_that_the_operator_gives() -> None:
    source = Path(str(conditions.__file__)).read_text()
    given = set(re.findall(r'_TYPE\.READY,\s*_(?:TRUE|FALSE|UNKNOWN),\s*"([A-Z]\w+)"', source))
    given |= {code.value for code in conditions._BREAKS_MONITORING}
    known = {reason for reasons in READY.values() for reason in reasons}
    assert given - known - set(FindingCode) == set()
    assert {code.value for code in conditions._BREAKS_MONITORING} <= known


def test_the_snippet_for_argocd_cm_is_the_script() -> None:
    data = yaml.safe_load((FOLDER / "argocd-cm.yaml").read_text())["data"]
    assert data == {KEY: SCRIPT}
