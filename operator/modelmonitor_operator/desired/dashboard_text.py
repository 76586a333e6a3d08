"""A user's words in a dashboard: Grafana shows exactly them, and reads neither variables, Markdown nor HTML in them.

Grafana first replaces variables in a text (`$name`, `${name}`, `[[name]]`), then renders Markdown, then HTML. A numeric
character reference survives the first two and is the character itself in the third.
Source: https://grafana.com/docs/grafana/latest/panels-visualizations/visualizations/text/
"""

from urllib.parse import quote

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_URL_CHARACTERS = "/:@?&=+,;#%~"
"""What a base URL may hold besides letters, digits and `-._`; `$`, `[`, `{` are not among them."""


def markdown_text(text: str) -> str:
    """Markdown that shows exactly this text.

    A character that has no picture of its own (control, format, unassigned, a space beside another) is written as
    `\\u{…}` with its number, and a backslash as two.
    """
    return "".join(_shown(text, position) for position in range(len(text)))


def _shown(text: str, position: int) -> str:
    char = text[position]
    if char in _PLAIN:
        return char
    if char == "\\":
        return _references("\\\\")
    if not char.isprintable() or (char == " " and text[position - 1 : position] in {"", " "}):
        return _references(f"\\u{{{ord(char):x}}}")
    return _references(char)


def _references(text: str) -> str:
    return "".join(char if char in _PLAIN else f"&#{ord(char)};" for char in text)


def link_base(url: str) -> str:
    """A URL that Grafana's links take as it is: what would read as a variable is percent-encoded."""
    return quote(url.rstrip("/"), safe=_URL_CHARACTERS)
