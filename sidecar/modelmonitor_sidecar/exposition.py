"""Triton's metrics page as series of ours, in time that grows with the page's length and no faster.

A page is what a tenant's process chooses to send. So only names of the catalogue pass, a bad line loses that line and
is counted, lines, series and models are capped, and labels that say whose series it is are dropped: the pod says that,
by the address that was read. `gpu_uuid` is dropped too, because only some series carry it, and series that become equal
are added up. Between two pages of a pod only the values change, so a pod's LineMemory keeps what stood before them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from modelmonitor_api.metrics import TRITON_METRICS, MetricType, sample_names
from modelmonitor_api.names import LABEL_MODEL, LABEL_MONITOR, LABEL_VERSION, TARGET_LABELS

MAX_LINE_BYTES = 16 * 1024
MAX_LINES = 60_000
MAX_SERIES = 10_000
MAX_MODELS = 500
"""Model versions of one pod that are read: the windows of each cost memory, and a tenant may name any number."""
MAX_EXTRA_LABELS = 8
MAX_LABEL_CHARACTERS = 256
LINES_A_STEP = 256
KNOWN_LINES_BYTES = 4 * 2**20
"""What the line memories of all pods may hold together, in bytes; each has an equal share."""
KNOWN_LINE_BYTES = 700
"""A known line costs that and four times its text at most (measured with tracemalloc)."""
LARGEST_COUNT = 2**63
"""No counter of Triton's can be larger; what is larger is no count."""

_RESERVED = frozenset(TARGET_LABELS) | {LABEL_MONITOR, "gpu_uuid", "job", "instance", "service", "endpoint"}
_TELLING = frozenset({"le", "quantile", "reason"})
"""Labels of Triton's that tell series apart; they are kept before a tenant's own metric tags."""
_LINE = re.compile(rb"[^\r\n]+")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_VALUE = re.compile(r"[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[iI]nf(?:inity)?|[nN]a[nN])")
_PLAIN_VALUE = re.compile(_VALUE.pattern.encode())
_TIMESTAMP = re.compile(r"-?\d+")
_ESCAPE = re.compile(r"\\(.)")
_UNESCAPED = {"n": "\n", '"': '"', "\\": "\\"}

_ALLOWED = {name: metric for metric in TRITON_METRICS for name in sample_names(metric)}


class BadLineError(ValueError):
    """The line is no sample."""


@dataclass(frozen=True, slots=True)
class PageLabels:
    """What a page may say about its own series.

    Attributes:
        extra: labels beside model and version, `reason` or `quantile` for example, in alphabetical order.
        text: all of them as the exposition format writes them, without braces; one text for one set of labels.
    """

    model: str
    version: str
    extra: tuple[tuple[str, str], ...]
    text: str

    def get(self, name: str) -> str:
        """The value of an extra label; empty where the series has none of that name."""
        return next((value for key, value in self.extra if key == name), "")


@dataclass(frozen=True, slots=True)
class Series:
    """One sample of one page."""

    name: str
    labels: PageLabels
    value: float


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """What could be read of a page.

    Attributes:
        bad_lines: lines that were no samples.
        dropped_series: lines beyond the largest number of series, models or lines.
        is_triton: a name that begins with `nv_` was there.
    """

    series: tuple[Series, ...] = ()
    bad_lines: int = 0
    dropped_series: int = 0
    is_triton: bool = False


@dataclass(slots=True)
class _KnownLine:
    """What stood before a line's value, and the series that it last gave."""

    is_counter: bool
    series: Series


class LineMemory:
    """The lines of one pod's last page, by their text before the value. One reader at a time uses it.

    Attributes:
        most_bytes: what it may hold after the next page; lines beyond that are parsed at each reading.
    """

    def __init__(self, most_bytes: int = KNOWN_LINES_BYTES) -> None:
        self.most_bytes = most_bytes
        self.known: dict[bytes, _KnownLine] = {}

    def __len__(self) -> int:
        return len(self.known)


def escape_label(value: str) -> str:
    """A label value as the exposition format writes it between its quotes."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _unescape(value: str) -> str:
    return _ESCAPE.sub(lambda m: _UNESCAPED.get(m[1], m[0]), value) if "\\" in value else value


def _pairs(raw: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(raw):
        match = _LABEL.match(raw, position)
        if match is None:
            raise BadLineError("labels")
        found[match[1]] = _unescape(match[2])[:MAX_LABEL_CHARACTERS]
        position = match.end()
    return found


def parse_labels(raw: str) -> PageLabels:
    """The labels between the braces of a line, without those that only the address may say.

    Raises:
        BadLineError: they are no labels.
    """
    pairs = _pairs(raw)
    others = ((k, v) for k, v in pairs.items() if k not in _RESERVED and not k.startswith("__"))
    kept = sorted(others, key=lambda pair: (pair[0] not in _TELLING, pair))[:MAX_EXTRA_LABELS]
    extra = tuple(sorted(kept))
    model, version = pairs.get(LABEL_MODEL, ""), pairs.get(LABEL_VERSION, "")
    named = ((LABEL_MODEL, model), (LABEL_VERSION, version), *extra) if model else extra
    return PageLabels(model, version, extra, ",".join(f'{name}="{escape_label(value)}"' for name, value in named))


def _parse_value(text: str) -> float:
    words = text.split()
    if not 1 <= len(words) <= 2 or _VALUE.fullmatch(words[0]) is None:
        raise BadLineError("value")
    if len(words) == 2 and _TIMESTAMP.fullmatch(words[1]) is None:
        raise BadLineError("timestamp")
    return float(words[0])


def _plain_value(text: bytes) -> float | None:
    """The value where the text is one and nothing else."""
    return float(text) if text.isdigit() or _PLAIN_VALUE.fullmatch(text) else None


def _is_count(value: float) -> bool:
    return 0 <= value <= LARGEST_COUNT


@dataclass(slots=True)
class _Page:
    """The page while it is read; `known` is of the page before, `seen` of this one, with room for so many bytes."""

    known: Mapping[bytes, _KnownLine] = field(default_factory=dict)
    room: int = 0
    seen: dict[bytes, _KnownLine] = field(default_factory=dict)
    values: dict[tuple[str, str], Series] = field(default_factory=dict)
    known_labels: dict[str, PageLabels] = field(default_factory=dict)
    models: set[tuple[str, str]] = field(default_factory=set)
    bad_lines: int = 0
    dropped_series: int = 0
    is_triton: bool = False

    def add_line(self, line: bytes) -> None:
        """Take one line; what is wrong with it is counted."""
        if line.startswith(b"#"):
            return
        head, _, text = line.rpartition(b" ")
        known = self.known.get(head)
        if known is not None and self._add_known(head, known, text):
            return
        try:
            series = self._parse_sample(line.decode())
        except (BadLineError, UnicodeDecodeError):
            self.bad_lines += 1
            return
        if series is not None:
            self._keep(series)
            if head.endswith(b"}") and _plain_value(text) is not None:  # Else it may mean something else with another.
                self._remember(head, _KnownLine(_ALLOWED[series.name].type is MetricType.COUNTER, series))

    def _add_known(self, head: bytes, known: _KnownLine, text: bytes) -> bool:
        """Take a line that differs from one of the page before in its value alone; False where it has to be parsed."""
        value = _plain_value(text)
        if value is None or (known.is_counter and not _is_count(value)):
            return False
        if value != known.series.value:
            known.series = Series(known.series.name, known.series.labels, value)
        self.is_triton = True
        self._keep(known.series)
        self._remember(head, known)
        return True

    def _remember(self, head: bytes, line: _KnownLine) -> None:
        cost = KNOWN_LINE_BYTES + 4 * len(head)
        if cost <= self.room:
            self.room -= cost
            self.seen[head] = line

    def _parse_sample(self, line: str) -> Series | None:
        """The line's series; None where it is blank or not of the catalogue."""
        name = _NAME.match(line)
        if name is None:
            if line.strip():
                raise BadLineError("name")
            return None
        self.is_triton = self.is_triton or line.startswith("nv_")
        metric = _ALLOWED.get(name[0])
        if metric is None:
            return None
        labels, rest = self._split(line, name.end())
        value = _parse_value(rest)
        if metric.type is MetricType.COUNTER and not _is_count(value):
            raise BadLineError("counter")
        if (LABEL_MODEL in metric.labels) is not bool(labels.model):
            raise BadLineError("model")
        return Series(name[0], labels, value)

    def _split(self, line: str, position: int) -> tuple[PageLabels, str]:
        raw, rest = "", line[position:]
        if rest.lstrip().startswith("{"):
            head, brace, rest = rest.rpartition("}")
            if not brace:
                raise BadLineError("braces")
            raw = head.lstrip()[1:]
        labels = self.known_labels.get(raw)
        if labels is None:
            labels = self.known_labels[raw] = parse_labels(raw)
        return labels, rest

    def _keep(self, series: Series) -> None:
        key = (series.name, series.labels.text)
        known = self.values.get(key)
        if known is not None:
            add = max if series.labels.get("quantile") else float.__add__
            self.values[key] = Series(series.name, known.labels, add(known.value, series.value))
        elif len(self.values) < MAX_SERIES and self._has_place(series.labels):
            self.values[key] = series
        else:
            self.dropped_series += 1

    def _has_place(self, labels: PageLabels) -> bool:
        model = (labels.model, labels.version)
        if labels.model and model not in self.models:
            if len(self.models) >= MAX_MODELS:
                return False
            self.models.add(model)
        return True


def parse_in_steps(body: bytes, memory: LineMemory | None = None) -> Iterator[ParsedPage | None]:
    """Read a page a few hundred lines at a time: yields None between steps and the page at the end.

    `memory` is of the same pod's last page, and of this one afterwards; what is read is the same without it.
    """
    page = _Page() if memory is None else _Page(memory.known, memory.most_bytes)
    for count, match in enumerate(_LINE.finditer(body), start=1):
        if count > MAX_LINES:
            page.dropped_series += body.count(b"\n", match.start()) or 1
            break
        if match.end() - match.start() > MAX_LINE_BYTES:
            page.bad_lines += 1
        else:
            page.add_line(match[0])
        if count % LINES_A_STEP == 0:
            yield None
    if memory is not None:
        memory.known = page.seen
    yield ParsedPage(tuple(page.values.values()), page.bad_lines, page.dropped_series, page.is_triton)


def parse_page(body: bytes, memory: LineMemory | None = None) -> ParsedPage:
    """Read a page at once."""
    return next(page for page in parse_in_steps(body, memory) if page is not None)
