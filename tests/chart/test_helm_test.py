"""`helm test`: what it needs while it runs, and no more."""

from modelmonitor_operator.smoke import POD_LABEL
from tests.chart.rendering import Chart, Manifest, Rendered

NAME = "modelmonitor-test"


def hooks(rendered: Rendered) -> list[Manifest]:
    return [e for e in rendered.objects if "helm.sh/hook" in e["metadata"].get("annotations", {})]


def test_its_objects_are_hooks_that_go_with_a_test_that_passed(chart: Chart) -> None:
    found = hooks(chart.render())
    assert sorted(each["kind"] for each in found) == ["Pod", "Role", "RoleBinding", "ServiceAccount"]
    assert {each["metadata"]["annotations"]["helm.sh/hook"] for each in found} == {"test"}
    for each in found:
        assert each["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


def test_it_can_be_left_out(chart: Chart) -> None:
    assert hooks(chart.render({"helmTest": {"enabled": False}})) == []


def test_its_rights_are_one_model_monitor_by_name(chart: Chart) -> None:
    rules = chart.render().one("Role", NAME)["rules"]
    assert [rule["resources"] for rule in rules] == [["modelmonitors"]] * 2
    assert rules[0]["verbs"] == ["create"]
    assert (rules[1]["verbs"], rules[1]["resourceNames"]) == (["get", "delete"], [NAME])


def test_the_pod_is_found_by_its_label_and_runs_where_sidecars_run(chart: Chart) -> None:
    rendered = chart.render({"sidecar": {"nodeSelector": {"pool": "gpu"}}}, release="mine")
    pod = rendered.one("Pod", "mine-modelmonitor-test")
    (container,) = pod["spec"]["containers"]
    arguments = dict(argument.lstrip("-").split("=", 1) for argument in container["args"])
    assert pod["metadata"]["labels"][POD_LABEL] == arguments["label-value"]
    assert arguments["name"] == rendered.one("Role", "mine-modelmonitor-test")["rules"][1]["resourceNames"][0]
    assert pod["spec"]["nodeSelector"] == {"pool": "gpu"}
    assert pod["spec"]["affinity"] == rendered.settings().sidecar.affinity
    assert pod["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_it_runs_in_a_namespace_that_is_watched(chart: Chart) -> None:
    assert chart.render().one("Pod", NAME)["metadata"]["namespace"] == "system"
    watched = chart.render({"watchNamespaces": ["team-a", "team-b"]}).one("Pod", NAME)
    assert watched["metadata"]["namespace"] == "team-a"
    assert "--namespace=team-a" in watched["spec"]["containers"][0]["args"]


def test_it_waits_two_minutes_unless_told_otherwise(chart: Chart) -> None:
    assert "--timeout-seconds=120" in chart.render().one("Pod", NAME)["spec"]["containers"][0]["args"]
    longer = chart.render({"helmTest": {"timeoutSeconds": 600}}).one("Pod", NAME)
    assert "--timeout-seconds=600" in longer["spec"]["containers"][0]["args"]


def test_it_serves_on_a_port_that_the_sidecars_policy_lets_them_reach(chart: Chart) -> None:
    values = {"networkPolicy": {"enabled": True, "tritonPorts": [9000, 9002]}}
    (container,) = chart.render(values).one("Pod", NAME)["spec"]["containers"]
    assert "--port=9000" in container["args"]
    assert container["ports"][0]["containerPort"] == 9000
    assert "--port=8000" in chart.render().one("Pod", NAME)["spec"]["containers"][0]["args"]
