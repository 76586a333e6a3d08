"""`docs/reference/findings.md`: the one table of findings, as people read it."""

from generate.tables import render_table
from modelmonitor_api.findings import FINDINGS, FindingRule

_INTRO = """\
<!-- Derived from operator/modelmonitor_api/findings.py by `make generate`. -->
# Findings

What can be wrong, in `status.health.findings`. A **Critical** finding makes the verdict Unhealthy, a **Warning**
Degraded, an **Info** nothing. *Readings* is how many distinct readings in a row show it, and how many without it clear
it: a hard fact needs one.

"""


def render_findings() -> str:
    """The page."""
    heads = ("finding", "severity", "readings", "appears when", "clears when", "source")
    return _INTRO + render_table(heads, [_row(rule) for rule in FINDINGS.values()])


def _row(rule: FindingRule) -> tuple[str, ...]:
    name = f"[{rule.code.value}](../runbooks/{rule.code.value}.md)"
    source = f"[source]({rule.source})" if rule.source else ""
    return (name, rule.severity.value, str(rule.readings), rule.condition, rule.clears, source)
