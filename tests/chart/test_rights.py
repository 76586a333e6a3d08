"""The rights and the accounts that the chart gives. What is used of them: the audit logs of the other rings."""

from collections.abc import Iterator

import pytest

from tests.chart.rendering import Chart, Manifest


def rules(rendered_role: Manifest) -> Iterator[tuple[str, str, str]]:
    for rule in rendered_role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield group, resource, verb


def test_no_role_has_a_wildcard_and_no_secret_is_readable_cluster_wide(chart: Chart) -> None:
    rendered = chart.render()
    granted = [(role["kind"], *right) for role in rendered.objects if "rules" in role for right in rules(role)]
    assert len(granted) > 20
    assert [right for right in granted if "*" in right[1:]] == []
    assert [right for right in granted if right[0] == "ClusterRole" and right[2] == "secrets"] == []


def test_the_sidecar_reads_plans_in_its_namespace_and_nothing_else(chart: Chart) -> None:
    rendered = chart.render()
    account = rendered.settings().sidecar.service_account_name
    bindings = [each for each in rendered.objects if account in [s["name"] for s in each.get("subjects", [])]]
    assert [(each["kind"], each["metadata"]["namespace"]) for each in bindings] == [("RoleBinding", "system")]
    role = rendered.one("Role", bindings[0]["roleRef"]["name"])
    assert set(rules(role)) == {("modelmonitor.dev", "nodeplans", verb) for verb in ("list", "watch")}


def test_only_the_pods_that_talk_to_the_api_server_get_a_token(chart: Chart) -> None:
    rendered = chart.render()
    assert rendered.one("ServiceAccount", "modelmonitor-sidecar")["automountServiceAccountToken"] is True
    assert rendered.one("ServiceAccount", "modelmonitor-operator")["automountServiceAccountToken"] is False
    pod = rendered.one("Deployment", "modelmonitor-operator")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is True


def test_fewer_namespaces_narrow_the_rights_to_roles_in_them(chart: Chart) -> None:
    rendered = chart.render({"watchNamespaces": ["team-a", "team-b"]})
    assert rendered.all("ClusterRole") == rendered.all("ClusterRoleBinding") == []
    for namespace in ("team-a", "team-b"):
        role = rendered.one("Role", "modelmonitor-operator-watched", namespace)
        assert ("modelmonitor.dev", "modelmonitors", "watch") in set(rules(role))
        rendered.one("RoleBinding", "modelmonitor-operator-watched", namespace)
    assert rendered.settings().watch_namespaces == ("team-a", "team-b")


LOOK, MAKE = {"list", "watch", "delete"}, {"create", "patch"}


def dashboard_verbs(role: Manifest) -> set[str]:
    found = {resource: {verb for _, each, verb in rules(role) if each == resource} for _, resource, _ in rules(role)}
    assert found["configmaps"] == found["grafanadashboards"]
    return found["configmaps"]


@pytest.mark.parametrize(
    ("watched", "verbs"),
    [
        pytest.param([], MAKE, id="everywhere: the ClusterRole lets it look and remove"),
        pytest.param(["team-a"], LOOK | MAKE, id="one namespace: all rights where the dashboards go"),
        pytest.param(["team-a", "grafana"], MAKE, id="a namespace that is watched anyway"),
    ],
)
def test_dashboards_in_one_namespace_are_made_there_and_nowhere_else(
    chart: Chart, watched: list[str], verbs: set[str]
) -> None:
    rendered = chart.render({"watchNamespaces": watched, "dashboards": {"namespace": "grafana"}})
    assert dashboard_verbs(rendered.one("Role", "modelmonitor-operator-dashboards", "grafana")) == verbs
    kind = "Role" if watched else "ClusterRole"
    for role in (each for each in rendered.all(kind) if each["metadata"]["name"] == "modelmonitor-operator-watched"):
        assert dashboard_verbs(role) == LOOK


@pytest.mark.parametrize("namespace", ["", "grafana"])
def test_without_dashboards_those_of_earlier_settings_can_only_be_removed(chart: Chart, namespace: str) -> None:
    for watched in ([], ["team-a"]):
        values = {"watchNamespaces": watched, "dashboards": {"enabled": False, "namespace": namespace}}
        rendered = chart.render(values)
        roles = [*rendered.all("ClusterRole"), *rendered.all("Role")]
        ours = [each for each in roles if each["metadata"]["name"].endswith(("-watched", "-dashboards"))]
        assert [dashboard_verbs(role) for role in ours] == [LOOK] * (2 if watched and namespace else 1)


def test_only_an_operator_of_all_namespaces_reads_prometheus_objects_and_namespaces(chart: Chart) -> None:
    role = chart.render().one("ClusterRole", "modelmonitor-operator-cluster")
    assert {(resource, verb) for _, resource, verb in rules(role)} == {
        (resource, verb) for resource in ("prometheuses", "namespaces") for verb in ("list", "watch")
    }


def test_rights_can_be_left_to_the_administrator(chart: Chart) -> None:
    rendered = chart.render({"rbac": {"create": False}})
    assert [each["kind"] for each in rendered.objects if "Role" in each["kind"]] == []


def test_a_given_service_account_is_used_and_not_made(chart: Chart) -> None:
    values = {"serviceAccount": {"create": False, "name": "mine"}}
    rendered = chart.render(values)
    accounts = [each["metadata"]["name"] for each in rendered.all("ServiceAccount")]
    assert accounts == ["modelmonitor-sidecar", "modelmonitor-test"]
    pod = rendered.one("Deployment", "modelmonitor-operator")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "mine"
    subjects = rendered.one("ClusterRoleBinding", "modelmonitor-operator-watched")["subjects"]
    assert subjects == [{"kind": "ServiceAccount", "name": "mine", "namespace": "system"}]
