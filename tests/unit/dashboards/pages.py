"""The committed dashboards, and what their expressions name."""

import json
from pathlib import Path
from typing import Any

import promql_parser

ROOT = Path(__file__).parents[3]
MODEL_FILE = ROOT / "operator" / "modelmonitor_operator" / "dashboards" / "model.json"
FILES = (*sorted((ROOT / "charts" / "modelmonitor" / "dashboards").glob("*.json")), MODEL_FILE)
Json = dict[str, Any]

_SIGNS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def read(path: Path) -> Json:
    page: Json = json.loads(path.read_text())
    return page


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Every selector of an expression, as Prometheus' grammar reads it."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def matchers(selector: promql_parser.VectorSelector) -> dict[str, str]:
    """Label → operator and value."""
    signs = {each.name: _SIGNS[str(each.op).partition(".")[2]] for each in selector.matchers.matchers}
    return {each.name: f"{signs[each.name]}{each.value}" for each in selector.matchers.matchers}
