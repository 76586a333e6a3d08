"""A team that may write ModelMonitors in its namespace tries everything that a ModelMonitor can name, and all else.

The operator here is a cluster's administrator, so that only what it does by itself stands between two teams.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from modelmonitor_api.names import MonitorRef, monitor_metrics_path, object_name
from modelmonitor_testbed.controlplane import ControlPlane
from modelmonitor_testbed.kubectl import Kubectl, wait_until
from modelmonitor_testbed.process import CommandError
from tests.apiserver.children import WITH_GRAFANA, optional_crds
from tests.apiserver.installation import ROOT
from tests.apiserver.teams import NODE, PRICES, WITHOUT_PODS, Teams


@pytest.fixture(scope="module")
def teams(kubectl: Kubectl, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teams]:
    with optional_crds(kubectl):
        made = Teams(kubectl, control_plane, tmp_path_factory.mktemp("tenants"))
        yield made
        made.installed.stop()
        for namespace in (made.victim, made.dashboards):
            kubectl.delete("namespace", namespace, wait=False)


HOSTILE = {
    "selector": {"selector": {"matchExpressions": [{"key": "project", "operator": "Exists"}]}},
    "all-pods": {"selector": {"matchExpressions": [{"key": "nobody-has-it", "operator": "DoesNotExist"}]}},
    "pod-labels": {"prometheus": {"podLabels": ["project", "app"]}},
    "victim.fraud": {"dashboards": {"folder": "tenants-victim"}},
    "labels": {"prometheus": {"labels": {"release": "victim", "team": "victim"}}},
    "alerts": {"alerts": {"labels": {"team": "victim"}, "runbookBaseUrl": "https://evil.example/x"}},
    "x" * 200: WITH_GRAFANA,
}


def test_whatever_a_monitor_names_only_pods_of_its_own_namespace_are_read(teams: Teams) -> None:
    before = {namespace: teams.state(namespace) for namespace in (teams.victim, teams.installed.system)}
    their_dashboard = teams.in_dashboards(f"{teams.victim}/fraud")
    for name, spec in HOSTILE.items():
        status = teams.attack(name, **spec)
        assert "theirs" not in json.dumps(status)
        assert "10.99.1.1" not in json.dumps(status)
    wait_until(lambda: {name for name, _ in teams.plan_of(teams.installed.tenant)} == set(HOSTILE), 15, "all planned")
    assert {pod for _, pod in teams.plan_of(teams.installed.tenant)} == {"mine"}
    assert teams.plan_of(teams.victim) == {("fraud", "theirs")}
    for name in HOSTILE:
        page = teams.operator.page(monitor_metrics_path(MonitorRef(teams.installed.tenant, name)))
        assert teams.victim not in page
        assert "theirs" not in page
    assert {namespace: teams.state(namespace) for namespace in before} == before
    assert teams.in_dashboards(f"{teams.victim}/fraud") == their_dashboard


def test_what_the_operator_writes_for_a_team_lies_in_its_namespace_or_names_it_as_owner(teams: Teams) -> None:
    for name, spec in HOSTILE.items():
        teams.attack(name, **spec)
        found = wait_until(
            lambda name=name: teams.in_dashboards(f"{teams.installed.tenant}/{name}"), 15, "it has a dashboard"
        )
        owner = found["metadata"]["annotations"]["modelmonitor.dev/owner"]
        assert owner.startswith(f"{teams.installed.tenant}/{name}/")


def test_every_expression_that_is_made_for_a_team_is_about_its_own_namespace(teams: Teams) -> None:
    teams.attack("pod-labels", **HOSTILE["pod-labels"])
    rules = wait_until(
        lambda: (
            teams.installed.kubectl.find("prometheusrule", object_name("pod-labels"), teams.installed.tenant)
            and teams.installed.kubectl.get("prometheusrule", object_name("pod-labels"), teams.installed.tenant)["spec"]
        ),
        15,
        "it has rules",
    )
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert expressions
    assert all(f'namespace="{teams.installed.tenant}"' in expression for expression in expressions)


def test_a_dashboard_of_somebody_elses_is_never_taken_over(teams: Teams) -> None:
    name = object_name(f"{teams.installed.tenant}/squatter")
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": teams.dashboards}}
    teams.installed.kubectl.apply({**theirs, "data": {"note": "mine"}})
    teams.attack("squatter")
    wait_until(lambda: "left alone" in json.dumps(teams.installed.status("squatter")), 15, "it is told")
    found = teams.installed.kubectl.get("configmap", name, teams.dashboards)
    assert found["data"] == {"note": "mine"}


def test_the_same_name_in_two_namespaces_shifts_no_dashboard(teams: Teams) -> None:
    """`tenants-team/x` and `tenants/team-x` are one text without the slash."""
    names = {object_name(ref) for ref in ("tenants-team/x", "tenants/team-x", "tenants-team-x/", "tenants.team/x")}
    assert len(names) == 4


FORBIDDEN = (
    ("get", "pods", "victim"),
    ("list", "secrets", "system"),
    ("get", "secrets", "tenant"),
    ("list", "nodeplans.modelmonitor.dev", "system"),
    ("list", "modelmonitors.modelmonitor.dev", "victim"),
    ("patch", "pods/status", "tenant"),
    ("create", "pods/binding", "tenant"),
    ("create", "endpoints", "tenant"),
    ("patch", "configmaps", "dashboards"),
)


@pytest.mark.parametrize(("verb", "resource", "where"), FORBIDDEN, ids=str)
def test_a_right_on_monitors_is_no_other_right(teams: Teams, verb: str, resource: str, where: str) -> None:
    namespace = {
        "victim": teams.victim,
        "system": teams.installed.system,
        "tenant": teams.installed.tenant,
        "dashboards": teams.dashboards,
    }[where]
    with pytest.raises(CommandError, match="no"):
        teams.attacker.run("auth", "can-i", verb, resource, "-n", namespace)


@pytest.mark.parametrize("role", ["admin", "edit", "view"])
def test_no_role_that_kubernetes_gives_to_people_of_a_namespace_forges_an_address(teams: Teams, role: str) -> None:
    team, kubectl = teams.installed.tenant, teams.installed.kubectl
    kubectl.run("create", "rolebinding", f"as-{role}", f"--clusterrole={role}", f"--user={role}-user", "-n", team)
    patch = '{"status":{"podIP":"169.254.169.254","podIPs":[{"ip":"169.254.169.254"}]}}'
    command = ("patch", "pod", "mine", "-n", team, "--subresource=status", "--type=merge", "--patch", patch)
    with pytest.raises(CommandError, match="forbidden"):
        kubectl.run(*command, f"--as={role}-user")
    assert kubectl.get("pod", "mine", team)["status"]["podIP"] == "10.99.1.2"
    for resource in ("endpoints", "endpointslices.discovery.k8s.io"):
        with pytest.raises(CommandError, match="no"):
            kubectl.run("auth", "can-i", "create", resource, "-n", team, f"--as={role}-user")


ADDRESSES = ("169.254.169.254", "127.0.0.1", "::1", "fe80::1", "0.0.0.0", "::ffff:169.254.169.254")  # noqa: S104


def test_a_status_that_somebody_could_forge_is_told_and_never_planned(teams: Teams) -> None:
    installed = teams.installed
    teams.attack("forger", selector={"matchLabels": {"forged": "yes"}})
    accepted = []
    for number, address in enumerate(ADDRESSES):
        pod = {"nodeName": NODE, "containers": [{"name": "triton", "image": "registry.example/triton:test"}]}
        metadata = {"name": f"forged-{number}", "namespace": installed.tenant, "labels": {"forged": "yes"}}
        installed.kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
        try:
            installed.set_running(f"forged-{number}", installed.tenant, address)
        except CommandError:
            continue
        accepted.append(f"forged-{number}")
    assert accepted, "the API server took none of them: the test shows nothing"
    wait_until(
        lambda: all(f"pod {pod} says" in json.dumps(installed.status("forger")) for pod in accepted), 20, "all are told"
    )
    assert {pod for name, pod in teams.plan_of(installed.tenant) if name == "forger"} == set()


@pytest.mark.parametrize("address", ["2130706433", "0x7f000001", "127.1", "localhost", "010.0.0.1"])
def test_the_api_server_itself_takes_no_address_that_is_none(teams: Teams, address: str) -> None:
    with pytest.raises(CommandError, match=r"status\.podIP"):
        teams.installed.set_running("mine", teams.installed.tenant, address)


@pytest.mark.parametrize("where", ["victim", "system", "dashboards", "default"])
def test_who_may_edit_one_namespace_has_no_right_in_another(teams: Teams, where: str) -> None:
    """All rights in a namespace, as the API server lists them, are those of an account that nobody gave anything."""
    namespace = {"victim": teams.victim, "system": teams.installed.system, "dashboards": teams.dashboards}.get(where)
    listed = {
        name: sorted(account.run("auth", "can-i", "--list", "--no-headers", "-n", namespace or "default").splitlines())
        for name, account in (("editor", teams.editor), ("stranger", teams.stranger))
    }
    assert listed["editor"] == listed["stranger"]
    assert any("selfsubjectaccessreviews" in line for line in listed["editor"])


ELSEWHERE = {
    "the pods of another team": ("get", "pods", "-n", "{victim}"),
    "the logs of another team": ("logs", "theirs", "-n", "{victim}"),
    "a shell in another team's pod": ("exec", "theirs", "-n", "{victim}", "--", "true"),
    "the pages of another team's pod": ("get", "--raw", "/api/v1/namespaces/{victim}/pods/theirs:8002/proxy/metrics"),
    "another team's ModelMonitors": ("get", "modelmonitors", "-n", "{victim}"),
    "another team's Secrets": ("get", "secrets", "-n", "{victim}"),
    "another team's dashboards": ("get", "configmaps", "-n", "{dashboards}"),
    "all ModelMonitors": ("get", "modelmonitors", "--all-namespaces"),
    "the prices": ("get", "configmap", PRICES, "-n", "{system}"),
    "its own ledger": ("get", "configmap", "{ledger}", "-n", "{system}"),
    "another team's ledger": ("get", "configmap", "{their_ledger}", "-n", "{system}"),
    "all ledgers": ("get", "configmaps", "-n", "{system}", "-l", "app.kubernetes.io/component=ledger"),
    "changing its own ledger": ("annotate", "configmap", "{ledger}", "-n", "{system}", "paid=yes", "--overwrite"),
    "removing its own ledger": ("delete", "configmap", "{ledger}", "-n", "{system}"),
    "the key of the summaries": ("get", "secret", "modelmonitor-sidecar-key", "-n", "{system}"),
    "the plans": ("get", "nodeplans", "-n", "{system}"),
    "changing a plan": ("annotate", "nodeplan", NODE, "-n", "{system}", "mine=yes"),
    "the summary of a sidecar": ("get", "--raw", "/api/v1/namespaces/{system}/pods/sidecar:9402/proxy/v1/summary"),
    "the pages of the leader": ("get", "--raw", "/api/v1/namespaces/{system}/services/operator:http/proxy/metrics"),
    "its own status": (
        "patch",
        "modelmonitor",
        "own",
        "-n",
        "{team}",
        "--subresource=status",
        "--type=merge",
        "-p",
        "{{}}",
    ),
    "the nodes": ("get", "nodes"),
}


@pytest.mark.parametrize("attempt", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_who_may_edit_one_namespace_is_refused(teams: Teams, attempt: tuple[str, ...]) -> None:
    teams.attack("own", **WITHOUT_PODS)
    ours, theirs = (
        wait_until(lambda at=at: teams.ledger(*at), 15, "there is a ledger")["metadata"]["name"]
        for at in ((teams.installed.tenant, "own"), (teams.victim, "billed"))
    )
    names = {
        "victim": teams.victim,
        "system": teams.installed.system,
        "team": teams.installed.tenant,
        "dashboards": teams.dashboards,
        "ledger": ours,
        "their_ledger": theirs,
    }
    with pytest.raises(CommandError, match=r"(?i)forbidden"):
        teams.editor.run(*(word.format(**names) for word in attempt))


def test_ledgers_and_prices_that_a_team_makes_up_in_its_own_namespace_are_nobodys(teams: Teams) -> None:
    teams.attack("spender", **WITHOUT_PODS)
    ledger = wait_until(lambda: teams.ledger(teams.installed.tenant, "spender"), 15, "there is a ledger")
    forged = {
        "metadata": {
            "name": ledger["metadata"]["name"],
            "namespace": teams.installed.tenant,
            "labels": ledger["metadata"]["labels"],
            "annotations": ledger["metadata"]["annotations"] | {"modelmonitor.dev/written": "2020-01-01T00:00:00Z"},
        },
        "data": {"ledger.json": "{}"},
    }
    prices = {"metadata": {"name": PRICES, "namespace": teams.installed.tenant}, "data": {"currency": "none"}}
    for each in (forged, prices):
        teams.editor.apply({"apiVersion": "v1", "kind": "ConfigMap", **each})
    before = teams.state(teams.installed.tenant)
    teams.attack("spender", **WITHOUT_PODS, cost={"timeZone": "Asia/Kolkata"})
    version = ledger["metadata"]["resourceVersion"]
    changed = wait_until(
        lambda: (
            (now := teams.ledger(teams.installed.tenant, "spender"))
            and now["metadata"]["resourceVersion"] != version
            and now
        ),
        20,
        "the ledger is written",
    )
    assert "Asia/Kolkata" in json.dumps(changed["data"])
    after = teams.state(teams.installed.tenant)
    for name in (ledger["metadata"]["name"], PRICES):
        assert after["ConfigMap", name] == before["ConfigMap", name]


def test_no_field_of_the_schema_names_anything_elsewhere() -> None:
    """Addresses, names of namespaces and Secrets, queries: there is no field to write one into, but that of a link."""
    (definition,) = (ROOT / "crds").glob("*modelmonitors.yaml")
    schema = yaml.safe_load(definition.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    fields = set(property_names(schema["properties"]["spec"]))
    assert "selector" in fields
    telling = re.compile(
        r"(?i)namespace|url|uri|host|address|secret|token|file|path|query|promql|expr$|ref$|service$|image"
    )
    assert {name for name in fields if telling.search(name)} == {"runbookBaseUrl"}


def property_names(schema: dict[str, Any]) -> Iterator[str]:
    """Names of all fields below a schema."""
    for name, each in schema.get("properties", {}).items():
        yield name
        yield from property_names(each)
    for below in ("items", "additionalProperties"):
        if isinstance(schema.get(below), dict):
            yield from property_names(schema[below])
