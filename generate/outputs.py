"""The list of derived files: where each goes and what makes it."""

from pathlib import Path

from generate.alerts_page import render_alerts
from generate.chart import ChartName, render_chart_crd, render_chart_readme
from generate.crd import MONITOR_CRD, PLAN_CRD, build_monitor_crd, build_plan_crd, render_yaml
from generate.dashboards.files import build_dashboards
from generate.findings_page import render_findings
from generate.metrics_page import render_metrics
from generate.schema import Json
from generate.schema_page import render_settings, render_spec, render_status
from generate.values_schema import render_values_schema

_CRDS = {
    "modelmonitor.dev_modelmonitors.yaml": (MONITOR_CRD, build_monitor_crd),
    "modelmonitor.dev_nodeplans.yaml": (PLAN_CRD, build_plan_crd),
}
_PAGES = {
    "spec.md": render_spec,
    "status.md": render_status,
    "settings.md": render_settings,
    "findings.md": render_findings,
    "metrics.md": render_metrics,
}
HEADER = "# Derived from operator/modelmonitor_api by `make generate`.\n"


def build_outputs(root: Path) -> dict[Path, str]:
    """Every derived file and its content."""
    charts = {chart: root / "charts" / chart.value for chart in ChartName}
    outputs: dict[Path, str] = {}
    for name, (crd_name, build) in _CRDS.items():
        crd: Json = build()
        outputs[root / "crds" / name] = HEADER + render_yaml(crd)
        for chart, folder in charts.items():
            outputs[folder / "templates" / "crds" / f"{crd_name.partition('.')[0]}.yaml"] = render_chart_crd(crd, chart)
    for name, render in _PAGES.items():
        outputs[root / "docs" / "reference" / name] = render()
    outputs[root / "docs" / "alerts.md"] = render_alerts()
    outputs.update(build_dashboards(root))
    for chart, folder in charts.items():
        values = (folder / "values.yaml").read_text()
        outputs[folder / "README.md"] = render_chart_readme(values, chart)
        outputs[folder / "values.schema.json"] = render_values_schema(values)
    return outputs
