"""promtool's checks, on text: each function raises CommandError with promtool's own words when something is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path

from modelmonitor_testbed.process import CommandError, run
from modelmonitor_testbed.tools import PROMETHEUS, tool

RULES_FILE = "rules.yaml"
"""The name under which the text of unit tests must list the rules: `rule_files: [rules.yaml]`."""


def check_rules(text: str) -> None:
    """Check rules (YAML or JSON with `groups`): their syntax, their expressions, and that none is there twice."""
    with tempfile.TemporaryDirectory(prefix="modelmonitor-promtool-") as folder:
        _write(folder, RULES_FILE, text)
        printed = _promtool("check", "rules", "--lint=all", "--lint-fatal", RULES_FILE, folder=folder)
    if "SUCCESS: 0 rules found" in printed:
        raise CommandError("promtool check rules: there is no rule, so nothing was checked")


def check_configuration(text: str) -> None:
    """Check a configuration of Prometheus; rules that it names need not be there."""
    with tempfile.TemporaryDirectory(prefix="modelmonitor-promtool-") as folder:
        _write(folder, "prometheus.yaml", text)
        _promtool("check", "config", "--lint=all", "--lint-fatal", "prometheus.yaml", folder=folder)


def check_metrics(text: str) -> None:
    """Check a metrics page in the text format: that it parses, and that names and help follow the practice."""
    if not text.strip():
        raise CommandError("promtool check metrics: the page is empty, so nothing was checked")
    run([tool(PROMETHEUS, "promtool"), "check", "metrics"], input_text=text)


def run_rule_tests(rules_text: str, tests_text: str) -> None:
    """Run promtool's unit tests of rules; what fails is told with what was expected and what came.

    promtool takes an alert that does not exist for one that does not fire: test of each alert that it fires, too.
    """
    with tempfile.TemporaryDirectory(prefix="modelmonitor-promtool-") as folder:
        _write(folder, RULES_FILE, rules_text)
        _write(folder, "tests.yaml", tests_text)
        _promtool("test", "rules", "tests.yaml", folder=folder)


def write_history(text: str, data: Path) -> None:
    """Make blocks of a Prometheus' data folder out of samples in OpenMetrics' format, with their times."""
    with tempfile.TemporaryDirectory(prefix="modelmonitor-promtool-") as folder:
        _write(folder, "history.txt", text)
        _promtool("tsdb", "create-blocks-from", "openmetrics", "history.txt", str(data.absolute()), folder=folder)


def _write(folder: str, name: str, text: str) -> None:
    (Path(folder) / name).write_text(text)


def _promtool(*words: str, folder: str) -> str:
    return run([tool(PROMETHEUS, "promtool"), *words], folder=Path(folder))
