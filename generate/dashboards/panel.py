"""What a panel is, as data: the pages are tables of these, and `render.py` makes Grafana's JSON of them."""

from dataclasses import dataclass, field
from enum import StrEnum

GRID_COLUMNS = 24
"""Columns of Grafana's grid."""


class Unit(StrEnum):
    """Units by Grafana's names. Source: the unit list of grafana-foundation-sdk."""

    NONE = "none"
    SHORT = "short"
    RATIO = "percentunit"
    SECONDS = "s"
    BYTES = "bytes"
    WATTS = "watt"
    CELSIUS = "celsius"
    HERTZ = "hertz"
    REQUESTS = "reqps"
    PER_SECOND = "ops"
    WATT_HOURS = "watth"


class Color(StrEnum):
    """Grafana's named colours, one meaning each."""

    GOOD = "green"
    NEUTRAL = "blue"
    UNKNOWN = "text"
    WARNING = "orange"
    CRITICAL = "red"


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression.

    Attributes:
        legend: as Grafana writes it, `{{label}}` for a label; in a table the heading of the value's column.
    """

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """From this value on, this colour."""

    value: float
    color: Color


@dataclass(frozen=True, slots=True)
class Choice:
    """How a number or a word is written: as a word in its colour."""

    value: int | str
    word: str
    color: Color


@dataclass(frozen=True, slots=True)
class Column:
    """How one column of a table is shown; a column that is not named is hidden.

    Attributes:
        name: a label, `Value`, or `Value #A` to `Value #H` where the table has several queries.
        link: where a cell leads, with Grafana's `${__value.raw}` for the cell; empty for no link.
    """

    name: str
    title: str
    unit: Unit = Unit.NONE
    width: int = 0
    link: str = ""
    link_title: str = ""
    steps: tuple[Step, ...] = ()
    choices: tuple[Choice, ...] = ()
    decimals: int | None = None
    base: Color = Color.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What every panel has. Sizes are in cells of Grafana's grid, 24 to a line.

    Attributes:
        id: fixed where the operator fills the panel in for a monitor; else 0, and given by the order.
        base: colour of what is below every step.
        nothing: what the panel says without data.
    """

    title: str
    description: str = ""
    width: int = 8
    height: int = 8
    id: int = 0
    queries: tuple[Query, ...] = ()
    unit: Unit = Unit.SHORT
    steps: tuple[Step, ...] = ()
    base: Color = Color.GOOD
    choices: tuple[Choice, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    nothing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph(Panel):
    """Lines over time; `steps` are drawn as dashed lines."""

    stacked: bool = False
    colors: dict[str, Color] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Panel):
    """One big number per series, as it is now."""

    width: int = 4
    height: int = 4
    colors: dict[str, Color] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Panel):
    """A horizontal bar per series, as it is now."""

    width: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """A line per series, as it is now; several queries are joined by their labels."""

    columns: tuple[Column, ...]
    width: int = 24
    sort: str = ""
    descending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Panel):
    """Markdown."""

    content: str
    width: int = 24
    height: int = 4


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the panels under it, from left to right."""

    title: str
    panels: tuple[Panel, ...]


class Selection(StrEnum):
    """How a variable gets its values."""

    DATASOURCE = "datasource"
    QUERY = "query"
    CONSTANT = "constant"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a dashboard; `query` is what Grafana calls so: a label query, a list of values, or the value."""

    name: str
    title: str
    selection: Selection
    query: str
    description: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A link at the top of a dashboard: to an address, or to every dashboard with a tag."""

    title: str
    address: str = ""
    tag: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One dashboard. `alerts` selects the firing alerts that are drawn into the graphs."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    variables: tuple[Variable, ...]
    links: tuple[Link, ...]
    sections: tuple[Section, ...]
    alerts: str
    span: str = "now-3h"
