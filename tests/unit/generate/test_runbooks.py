"""What a runbook tells people to read or to set is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelmonitor_api import names
from modelmonitor_api.alert_names import AlertName
from modelmonitor_api.alerts import ALERTS
from modelmonitor_api.burn_rates import SliSeries, SloSeries, sli_error
from modelmonitor_api.cost_alerts import CostSeries
from modelmonitor_api.metrics import METRICS, sample_names
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_operator.desired.service import build_service
from tests.unit.operator.worlds import monitor, settings

ROOT = Path(__file__).parents[3]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
SCHEMAS = {
    kind: yaml.safe_load((ROOT / "crds" / f"modelmonitor.dev_{kind}s.yaml").read_text())["spec"]["versions"][0][
        "schema"
    ]
    for kind in ("modelmonitor", "nodeplan")
}
OF_THE_PRODUCT = {
    rule["alert"] for rule in yaml.safe_load((ROOT / "charts/modelmonitor/rules/operator.yaml").read_text())
}
"""Alerts of the chart about the product itself: no ModelMonitor has them, so none can override them."""
OF_MONITORS = [page for page in RUNBOOKS if page.stem not in OF_THE_PRODUCT]
SECTIONS = ("What it means", "Impact", "Confirm", "What to do", "Silence")
VALUES = yaml.safe_load((ROOT / "charts/modelmonitor/values.yaml").read_text())


def commands(page: Path) -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
        yield from block.splitlines()


def read_fields(command: str) -> Iterator[str]:
    """The paths that a jsonpath expression reads, those in a range below the range."""
    base = ""
    for inside in re.findall(r"\{([^}]*)\}", command):
        if inside.startswith("range "):
            base = inside.removeprefix("range ").removesuffix("[*]")
        elif inside == "end":
            base = ""
        elif inside.startswith("."):
            yield base + inside


def in_schema(schema: dict[str, Any], path: str) -> bool:
    for name in path.strip(".").split("."):
        schema = schema.get("items", schema).get("properties", {}).get(name)
        if schema is None:
            return False
    return True


def in_values(path: str) -> bool:
    found = VALUES
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    return True


def silenced(page: Path) -> dict[str, str]:
    """The matchers of the silence that a page shows."""
    (command,) = re.findall(r"amtool silence add .*?\\\n(.*?)```", page.read_text(), re.DOTALL)
    return dict(matcher.split("=", 1) for matcher in command.split())


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_fields_that_its_commands_read_are_in_the_schema(page: Path) -> None:
    asked = [
        (kind, path)
        for line in commands(page)
        for kind, schema in SCHEMAS.items()
        if f"get {kind} " in line and "jsonpath" in line
        for path in read_fields(line)
        if not in_schema(schema["openAPIV3Schema"], path)
    ]
    assert asked == []


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_settings_that_it_names_are_fields_of_the_spec_or_values_of_the_chart(page: Path) -> None:
    text = page.read_text()
    spec = SCHEMAS["modelmonitor"]["openAPIV3Schema"]
    named = re.findall(r"`(spec\.[\w.]*\w)", text)
    assert [path for path in named if not in_schema(spec, path)] == []
    assert [path for path in re.findall(r"`(sidecar\.\w+(?:\.\w+)*)`", text) if not in_values(path)] == []


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_no_command_needs_a_program_that_an_image_may_lack(page: Path) -> None:
    assert [line for line in commands(page) if re.search(r"\bexec\b", line)] == []


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_a_port_of_this_machine_is_asked_only_after_it_was_forwarded(page: Path) -> None:
    forwarded: set[str] = set()
    for line in commands(page):
        if "port-forward" in line:
            forwarded |= set(re.findall(r" (\d+):\d+", line))
        assert set(re.findall(r"http://127\.0\.0\.1:(\d+)", line)) <= forwarded, line


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_it_has_every_section_in_order(page: Path) -> None:
    assert tuple(re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)) == SECTIONS


@pytest.mark.parametrize("page", OF_MONITORS, ids=lambda page: page.stem)
def test_its_silence_and_its_override_are_those_of_its_own_alert(page: Path) -> None:
    (alert,) = (alert.name for alert in ALERTS.values() if alert.runbook == page.stem)
    matchers = silenced(page)
    assert (matchers["alertname"], matchers["namespace"], matchers["modelmonitor"]) == (alert, "NAMESPACE", "NAME")
    (override,) = re.findall(r"`(\{name: .*\})`", page.read_text())
    assert (
        ModelMonitorSpec.model_validate(
            {"selector": {"matchLabels": {"a": "b"}}, "alerts": {"overrides": [yaml.safe_load(override)]}}
        )
        .alerts.overrides[0]
        .name
        is alert
    )


@pytest.mark.parametrize("name", sorted(OF_THE_PRODUCT))
def test_an_alert_of_the_chart_is_silenced_and_left_out_under_its_own_name(name: str) -> None:
    page = ROOT / "docs" / "runbooks" / f"{name}.md"
    assert silenced(page) == {"alertname": name}
    assert f"`metrics.prometheusRule.disabled={{{name}}}`" in page.read_text()
    assert in_values("metrics.prometheusRule.disabled")


@pytest.mark.parametrize("name", list(AlertName))
def test_every_alert_has_a_row_in_the_table_and_a_page(name: AlertName) -> None:
    assert ALERTS[name].runbook in {page.stem for page in RUNBOOKS}


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_series_that_its_commands_ask_for_are_in_the_catalogue(page: Path) -> None:
    ours = {name for metric in METRICS.values() for name in sample_names(metric)}
    recorded = {*SliSeries, *SloSeries, *CostSeries, *(sli_error(window) for window in ("1h", "1d"))}
    asked = {
        name
        for line in commands(page)
        if "/api/v1/query" in line
        for name in re.findall(r"\b((?:nv_|modelmonitor[_:]|slo:)\w[\w:]*)", line)
    }
    assert asked - ours - recorded - {"nv_"} == set()


LOOK_UP = """{.items[?(@.metadata.ownerReferences[0].name=="NAME")].metadata.name}"""


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_an_object_of_a_modelmonitor_is_looked_up_for_its_name_may_be_cut(page: Path) -> None:
    lines = list(commands(page))
    assert "modelmonitor-NAME" not in page.read_text()
    used = [number for number, line in enumerate(lines) if re.search(r"\bSERVICE\b", line)]
    looked_up = [number for number, line in enumerate(lines) if LOOK_UP in line]
    assert not used or looked_up == [0]


def test_the_label_and_the_owner_by_which_it_is_looked_up_are_on_every_service() -> None:
    for name in ("fraud", "with.dots-and-" + "x" * 200):
        metadata = build_service(settings(), monitor(name))["metadata"]
        assert names.MONITOR_LABEL in metadata["labels"]
        assert metadata["ownerReferences"][0]["name"] == name


def test_a_field_and_a_value_that_are_not_there_are_noticed() -> None:
    (line,) = (c for c in commands(ROOT / "docs/runbooks/ModelSlow.md") if "jsonpath" in c)
    assert ".status.health.models.latencyKind" in set(read_fields(line))
    assert not in_schema(SCHEMAS["modelmonitor"]["openAPIV3Schema"], ".status.health.models.p99")
    assert not in_values("sidecar.gpuAccess.mode")
