"""The commands that the pages tell people to type, and the list that says what runs each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs" / "commands.md"
NOT_RUN = "not run"


def pages() -> list[Path]:
    """Every page for people, runbooks left out: their commands look at a cluster in trouble."""
    found = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *ROOT.glob("charts/*/README.md"),
        ROOT / "crds/README.md",
    ]
    return sorted(page for page in found if page != LIST)


def commands_of(page: Path) -> Iterator[str]:
    """The commands in the page's `sh` blocks, each on one line; comments left out."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            command = re.sub(r"\s+# .*$", "", line).strip()
            if command and not command.startswith("#"):
                yield command


@dataclass(frozen=True)
class Row:
    """One command of the list."""

    page: str
    command: str
    run_by: str

    @property
    def is_run(self) -> bool:
        """Whether a test runs it."""
        return not self.run_by.startswith(NOT_RUN)


def listed() -> list[Row]:
    """The rows of docs/commands.md, in its order."""
    rows = re.findall(r"^\| `(.+?)` \| `(.+)` \| (.+) \|$", LIST.read_text(), re.MULTILINE)
    return [Row(page, command.replace(r"\|", "|"), run_by.strip("`")) for page, command, run_by in rows]
