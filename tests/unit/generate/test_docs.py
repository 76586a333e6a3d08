"""The pages that people write agree with the code and with each other."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelmonitor_api.findings import FindingCode
from modelmonitor_api.status import ConditionType
from modelmonitor_operator.rollup import conditions, verdict

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("charts/**/*.md")])
CONDITIONS = (ROOT / "docs" / "reference" / "conditions.md").read_text()


def links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            yield target.partition("#")[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("kind", list(ConditionType))
def test_every_condition_has_a_section(kind: ConditionType) -> None:
    assert f"\n## {kind.value}\n" in CONDITIONS


def test_every_reason_of_a_condition_is_explained() -> None:
    source = Path(str(conditions.__file__)).read_text()
    reasons = set(re.findall(r'_(?:TRUE|FALSE|UNKNOWN), "([A-Z]\w+)"', source)) | set(verdict.VerdictReason)
    assert len(reasons) > 10
    codes = {code.value for code in FindingCode}
    assert {reason for reason in reasons - codes if f"`{reason}`" not in CONDITIONS} == set()


def test_the_page_on_security_names_every_resource_of_the_roles() -> None:
    rights = (ROOT / "charts/modelmonitor/templates/_rights.tpl").read_text()
    resources = {name.strip() for found in re.findall(r"resources: \[(.*?)\]", rights) for name in found.split(",")}
    page = (ROOT / "docs" / "security.md").read_text()
    assert len(resources) > 6
    assert {name for name in resources if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("kind", [ConditionType.READY, ConditionType.SIDECARS_READY])
def test_troubleshooting_has_every_reason_for_which_somebody_may_have_to_act(kind: ConditionType) -> None:
    section = CONDITIONS.split(f"\n## {kind.value}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (?:False|Unknown) \| (.*?) \| (.*?) \|", section, re.MULTILINE)
    reasons = {reason for cells in rows for cell in cells for reason in re.findall(r"`([A-Z]\w+)`", cell)}
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    assert len(reasons) > 4
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()
