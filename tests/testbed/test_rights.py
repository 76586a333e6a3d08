"""What is granted beside what is used, on a recorded audit log and on cases of their own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from modelmonitor_testbed.audit import Right, read_requests
from modelmonitor_testbed.rights import Account, Home, Rbac, covers, expand, find_refused, find_unused, find_wildcards

RECORDED = Path(__file__).parents[1] / "fixtures" / "audit"
LOG = RECORDED / "audit.jsonl"
SYSTEM = "modelmonitor-system"
OPERATOR, SIDECAR = Account(SYSTEM, "modelmonitor-operator"), Account(SYSTEM, "modelmonitor-sidecar")
NAMES = ("operator", "sidecar", "sidecar-key", "anchor")
HOME = Home(frozenset({SYSTEM}), frozenset(f"modelmonitor-{name}" for name in NAMES))
GRAFANA = "grafana.integreatly.org"


def recorded_rbac() -> Rbac:
    found = json.loads((RECORDED / "rbac.json").read_text())
    return Rbac(tuple(found["roles"]), tuple(found["bindings"]))


def recorded_use(account: Account) -> set[Right]:
    return {request.what for request in read_requests(LOG, [account.user])}


def test_the_sidecar_of_the_recording_is_granted_what_it_uses_and_no_more() -> None:
    granted, used = recorded_rbac().granted(SIDECAR), recorded_use(SIDECAR)
    assert used == {Right(verb, "modelmonitor.dev", "nodeplans", SYSTEM, "test-1") for verb in ("list", "watch")}
    assert find_unused(granted, used, HOME) == []
    assert find_refused(granted, used) == []


def test_what_the_operator_of_the_recording_never_asked_for_is_named() -> None:
    unused = find_unused(recorded_rbac().granted(OPERATOR), recorded_use(OPERATOR), HOME)
    assert Right("create", GRAFANA, "grafanadashboards") in unused
    assert Right("delete", "", "secrets", SYSTEM, "modelmonitor-sidecar-key") in unused
    assert Right("watch", "modelmonitor.dev", "modelmonitors") not in unused
    assert Right("patch", "modelmonitor.dev", "modelmonitors/status") not in unused


def test_everything_that_the_operator_of_the_recording_asked_for_is_granted_to_it_or_to_everybody() -> None:
    rbac, used = recorded_rbac(), recorded_use(OPERATOR)
    assert find_refused(rbac.granted(OPERATOR) | rbac.granted_to_all(OPERATOR), used) == []
    assert find_refused(rbac.granted(OPERATOR), used) == [
        Right("create", "authorization.k8s.io", "selfsubjectaccessreviews")
    ]


@pytest.mark.parametrize("account", [OPERATOR, SIDECAR], ids=lambda account: account.name)
def test_no_right_can_be_taken_away_unnoticed(account: Account) -> None:
    rbac, used = recorded_rbac(), recorded_use(account)
    everybody = rbac.granted_to_all(account)
    needed = rbac.granted(account) - set(find_unused(rbac.granted(account), used, HOME))
    for right in needed:
        rest = {other for other in needed if not covers(other, right)} | everybody
        assert find_refused(rest, used), right


@pytest.mark.parametrize("account", [OPERATOR, SIDECAR], ids=lambda account: account.name)
def test_no_right_can_be_added_unnoticed(account: Account) -> None:
    granted, used = recorded_rbac().granted(account), recorded_use(account)
    for right in granted:
        wider = {
            replace(right, verb="escalate"),
            replace(right, resource="secrets", name=""),
            replace(right, namespace="kube-system"),
        }
        for more in wider - granted:
            assert more in find_unused(granted | {more}, used, HOME), more


HERE = Right("get", "", "configmaps", "system", "ledger")
AT_HOME = Home(frozenset({"system"}), frozenset({"ledger"}))
NOT_EQUAL = [
    pytest.param(replace(HERE, name=""), HERE, id="all names, for one that never changes"),
    pytest.param(Right("get", "", "configmaps"), HERE, id="the whole cluster, for one namespace of ours"),
    pytest.param(replace(HERE, name="other"), HERE, id="another name"),
    pytest.param(replace(HERE, namespace="team"), HERE, id="another namespace"),
    pytest.param(replace(HERE, verb="list"), HERE, id="another verb"),
    pytest.param(replace(HERE, resource="configmaps/status"), HERE, id="a subresource"),
    pytest.param(replace(HERE, verb="create"), replace(HERE, verb="create"), id="a name, which creating has none of"),
]


@pytest.mark.parametrize(("grant", "request_"), NOT_EQUAL)
def test_a_grant_that_is_more_than_what_is_asked_for_is_unused(grant: Right, request_: Right) -> None:
    assert find_unused([grant], [request_], AT_HOME) == [grant]


def test_a_right_in_the_whole_cluster_is_used_by_a_request_for_it_or_for_somebody_elses_namespace() -> None:
    everywhere = Right("list", "", "pods")
    assert find_unused([everywhere], [Right("list", "", "pods")], AT_HOME) == []
    assert find_unused([everywhere], [Right("list", "", "pods", "team")], AT_HOME) == []
    assert find_unused([everywhere], [Right("list", "", "pods", "system")], AT_HOME) == [everywhere]


def test_a_right_on_all_names_is_used_by_names_that_come_and_go() -> None:
    plans = Right("patch", "modelmonitor.dev", "nodeplans", "system")
    assert find_unused([plans], [replace(plans, name="node-1")], AT_HOME) == []


def test_a_list_of_all_is_not_allowed_by_a_right_on_one_name() -> None:
    assert not covers(Right("list", "", "secrets", "system", "key"), Right("list", "", "secrets", "system"))
    assert covers(Right("list", "", "secrets", "system", "key"), Right("list", "", "secrets", "system", "key"))


def test_a_rule_is_all_that_it_multiplies_to() -> None:
    rule = {"verbs": ["get", "list"], "apiGroups": ["", "apps"], "resources": ["a", "b"], "resourceNames": ["x", "y"]}
    assert len(expand(rule, "system")) == 16
    assert expand({"verbs": ["get"], "nonResourceURLs": ["/metrics"]}, "") == {Right("get", "", "/metrics")}


@pytest.mark.parametrize("field", ["verb", "group", "resource"])
def test_a_wildcard_is_named_and_covers_everything(field: str) -> None:
    grant = replace(HERE, name="", **{field: "*"})
    assert find_wildcards([grant, HERE]) == [grant]
    assert covers(grant, HERE)


def test_the_parts_of_a_log_are_read_in_order_and_a_line_that_is_being_written_is_left(tmp_path: Path) -> None:
    lines = LOG.read_text().splitlines(keepends=True)
    (tmp_path / "audit-2026-11-23T18-00-00.000.jsonl").write_text("".join(lines[:20]))
    (tmp_path / "audit.jsonl").write_text("".join(lines[20:]) + lines[-1][:40])
    users = [OPERATOR.user, SIDECAR.user]
    assert list(read_requests(tmp_path / "audit.jsonl", users)) == list(read_requests(LOG, users))


def test_what_came_before_a_moment_is_left_out() -> None:
    everything = list(read_requests(LOG, [OPERATOR.user]))
    moment = everything[10].at
    later = list(read_requests(LOG, [OPERATOR.user], moment))
    assert 0 < len(later) < len(everything)
    assert all(request.at >= moment for request in later)
