"""What Helm tells people after an install: the next commands, and what goes wrong most often."""

import re

import pytest

from tests.chart.rendering import Chart, Manifest


def test_the_next_commands_name_the_objects_of_this_release(chart: Chart) -> None:
    notes = chart.notes({"sidecar": {"namespace": "gpu"}}, release="mine")
    assert "kubectl -n system rollout status deployment/mine-modelmonitor-operator" in notes
    assert "kubectl label namespace gpu pod-security.kubernetes.io/enforce=privileged" in notes
    assert "helm test mine --namespace system --logs" in notes
    assert "kubectl -n gpu get daemonset mine-modelmonitor-sidecar" in notes


def test_both_classic_traps_are_named_with_the_value_that_helps(chart: Chart) -> None:
    notes = chart.notes({"metrics": {"serviceMonitor": {"enabled": True}}})
    assert "only ServiceMonitors and rules whose labels its selectors match" in notes
    assert "monitoring.labels" in notes
    assert "pod-security" in notes
    assert "metrics.serviceMonitor.enabled=true makes them" in chart.notes()


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        pytest.param({"sidecar": {"gpuAccess": {"preset": "simulated"}}}, "SIMULATED", id="simulated GPUs"),
        pytest.param({"crds": {"install": False}}, "before the first ModelMonitor", id="no definitions"),
        pytest.param({"crds": {"keep": False}}, "deletes EVERY ModelMonitor", id="definitions that are not kept"),
        pytest.param(
            {"sidecar": {"gpuAccess": {"preset": "dra"}}}, "resource.kubernetes.io/admin-access=true", id="admin access"
        ),
    ],
)
def test_what_may_surprise_is_said(chart: Chart, values: Manifest, warning: str) -> None:
    assert warning in chart.notes(values)
    assert warning not in chart.notes()


def test_a_watched_namespace_is_the_one_of_the_example(chart: Chart) -> None:
    notes = chart.notes({"watchNamespaces": ["team-a"]})
    assert re.search(r"namespace: team-a", notes)
    assert "kubectl -n team-a describe modelmonitor my-model" in notes
