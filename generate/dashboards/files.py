"""The dashboards' files: the template goes with the operator, the others with the chart."""

import json
from pathlib import Path

from generate.dashboards.cost import COST
from generate.dashboards.fleet import FLEET
from generate.dashboards.gpu import GPU
from generate.dashboards.model import MODEL
from generate.dashboards.operator_page import OPERATOR
from generate.dashboards.panel import Page
from generate.dashboards.render import render_page

CHART_PAGES: dict[str, Page] = {"cost": COST, "fleet": FLEET, "gpu": GPU, "operator": OPERATOR}


def build_dashboards(root: Path) -> dict[Path, str]:
    """Every dashboard's file and its content."""
    chart = root / "charts" / "modelmonitor" / "dashboards"
    outputs = {chart / f"{page.uid}.json": render(page) for page in CHART_PAGES.values()}
    outputs[root / "operator" / "modelmonitor_operator" / "dashboards" / "model.json"] = render(MODEL)
    return outputs


def render(page: Page) -> str:
    """The JSON as it is committed: sorted, so that a change shows as little difference as it can."""
    return json.dumps(render_page(page), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
