"""A Prometheus of the tests is what its options ask for, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmonitor_testbed.images import PROGRAM_IMAGES, UnknownImageError, named_image, program_tag
from modelmonitor_testbed.prometheus.manifests import prometheus_manifests, prometheus_spec
from modelmonitor_testbed.prometheus.operator import IMAGES, is_rolled_out, operator_manifests
from modelmonitor_testbed.prometheus.options import DiscoveryRole, PrometheusOptions
from modelmonitor_testbed.tools import PROMETHEUS, PROMETHEUS_OPERATOR, ToolModule

ROOT = Path(__file__).parents[2]
TEAM = {"matchLabels": {"release": "monitoring"}}


def deployment() -> Any:
    return next(each for each in operator_manifests("first") if each["kind"] == "Deployment")


@pytest.mark.parametrize("module", [PROMETHEUS, PROMETHEUS_OPERATOR], ids=lambda module: module.name)
def test_every_program_is_a_tool_of_its_module(module: ToolModule) -> None:
    pinned = (ROOT / "testbed" / "tools" / module.name / "go.mod").read_text()
    for path in module.programs.values():
        assert f"\t{path}\n" in pinned


@pytest.mark.parametrize("name", PROGRAM_IMAGES)
def test_an_image_of_one_program_holds_and_starts_that_program(name: str) -> None:
    dockerfile = (ROOT / "testbed" / "images" / name / "Dockerfile").read_text()
    assert name in PROGRAM_IMAGES[name].programs
    assert f"COPY {name} /bin/{name}\n" in dockerfile
    assert f'ENTRYPOINT ["/bin/{name}"]' in dockerfile
    assert "FROM scratch" in dockerfile


def test_an_unknown_image_is_refused_with_the_known_names() -> None:
    with pytest.raises(UnknownImageError, match=r"no image is called grafana; there are .*prometheus.*python"):
        named_image("grafana")


def test_the_operator_runs_from_the_images_that_are_loaded() -> None:
    container = deployment()["spec"]["template"]["spec"]["containers"][0]
    reloader = f"--prometheus-config-reloader={program_tag('prometheus-config-reloader')}"
    assert container["image"] == program_tag("prometheus-operator")
    assert reloader in container["args"]
    assert set(IMAGES) == set(PROGRAM_IMAGES)


def test_crds_that_were_made_anew_start_the_operator_again() -> None:
    def template(fingerprint: str) -> Any:
        manifests = operator_manifests(fingerprint)
        return next(each for each in manifests if each["kind"] == "Deployment")["spec"]["template"]

    assert template("first") == template("first")
    assert template("first") != template("second")


@pytest.mark.parametrize(
    "change",
    [{"observedGeneration": 1}, {"replicas": 2}, {"updatedReplicas": 0}, {"availableReplicas": 0}],
    ids=["its status is of an old generation", "an old pod is left", "the new pod is not made", "it is not available"],
)
def test_a_deployment_is_not_rolled_out_while(change: dict[str, int]) -> None:
    done = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    seen = {"metadata": {"generation": 2}, "spec": {"replicas": 1}}
    assert is_rolled_out(seen | {"status": done})
    assert not is_rolled_out(seen | {"status": done | change})
    assert not is_rolled_out(seen)


def test_by_default_everything_is_selected_everywhere() -> None:
    spec = prometheus_spec(PrometheusOptions())
    for name in ("serviceMonitor", "serviceMonitorNamespace", "rule", "ruleNamespace"):
        assert spec[f"{name}Selector"] == {}


def test_a_selector_that_is_left_out_is_not_in_the_object() -> None:
    spec = prometheus_spec(PrometheusOptions(rule_selector=None, service_monitor_namespace_selector=None))
    assert "ruleSelector" not in spec
    assert "serviceMonitorNamespaceSelector" not in spec


def test_the_operator_always_writes_the_configuration_since_some_selector_is_there() -> None:
    spec = prometheus_spec(PrometheusOptions(service_monitor_selector=None, rule_selector=None))
    assert spec["podMonitorSelector"] == {}


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        (PrometheusOptions(service_monitor_selector=TEAM), "serviceMonitorSelector", TEAM),
        (PrometheusOptions(rule_namespace_selector=TEAM), "ruleNamespaceSelector", TEAM),
        (PrometheusOptions(ignore_namespace_selectors=True), "ignoreNamespaceSelectors", True),
        (PrometheusOptions(override_honor_labels=True), "overrideHonorLabels", True),
        (PrometheusOptions(enforced_namespace_label="tenant"), "enforcedNamespaceLabel", "tenant"),
        (
            PrometheusOptions(service_discovery_role=DiscoveryRole.ENDPOINT_SLICE),
            "serviceDiscoveryRole",
            "EndpointSlice",
        ),
        (PrometheusOptions(enforced_sample_limit=10), "enforcedSampleLimit", 10),
        (PrometheusOptions(enforced_label_limit=5), "enforcedLabelLimit", 5),
        (PrometheusOptions(enforced_body_size_limit="20KB"), "enforcedBodySizeLimit", "20KB"),
        (PrometheusOptions(external_labels={"cluster": "a"}), "externalLabels", {"cluster": "a"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_option_is_in_the_object_exactly_when_it_is_asked_for(
    options: PrometheusOptions, field: str, value: object
) -> None:
    assert prometheus_spec(options)[field] == value
    default = prometheus_spec(PrometheusOptions())
    assert default.get(field, {}) == {}


def test_intervals_are_written_as_durations_and_a_scrape_ends_within_its_interval() -> None:
    spec = prometheus_spec(PrometheusOptions(scrape_interval_seconds=5, evaluation_interval_seconds=2))
    assert (spec["scrapeInterval"], spec["scrapeTimeout"], spec["evaluationInterval"]) == ("5s", "5s", "2s")


def test_the_reloader_looks_every_second_at_the_rules_of_its_own_prometheus() -> None:
    containers = {each["name"]: each for each in prometheus_spec(PrometheusOptions(name="team"))["containers"]}
    arguments = containers["config-reloader"]["args"]
    assert "--watch-interval=1s" in arguments
    assert "--watched-dir=/etc/prometheus/rules/prometheus-team-rulefiles-0" in arguments


def test_two_prometheus_share_no_object_but_their_namespace() -> None:
    def names(options: PrometheusOptions) -> set[tuple[str, str]]:
        return {(each["kind"], each["metadata"]["name"]) for each in prometheus_manifests(options)}

    assert names(PrometheusOptions(name="a")) & names(PrometheusOptions(name="b")) == {("Namespace", "monitoring")}
    other = names(PrometheusOptions(namespace="other"))
    shared = {kind for kind, _ in names(PrometheusOptions()) & other}
    assert not shared & {"ClusterRole", "ClusterRoleBinding"}


def test_a_prometheus_may_read_what_both_discovery_roles_need() -> None:
    role = next(each for each in prometheus_manifests(PrometheusOptions()) if each["kind"] == "ClusterRole")
    readable = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert readable == {"services", "endpoints", "pods", "endpointslices"}
    assert all(rule["verbs"] == ["get", "list", "watch"] for rule in role["rules"])


def test_the_manifests_are_plain_yaml() -> None:
    manifests = prometheus_manifests(PrometheusOptions(service_discovery_role=DiscoveryRole.ENDPOINTS))
    assert yaml.safe_load(yaml.safe_dump(manifests)) == manifests
