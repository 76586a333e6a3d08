"""Markdown tables."""

from collections.abc import Iterable, Sequence


def render_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with a final newline."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(_escape(text) for text in line) + " |\n" for line in lines)


def cell(value: str) -> str:
    """A value as code, or nothing for an empty one."""
    return f"`{value}`" if value else ""


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
