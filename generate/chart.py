"""What the chart takes from elsewhere: the CRDs as templates, and the table of its values as README."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum

import yaml

from generate.crd import render_yaml
from generate.schema import Json
from generate.tables import cell, render_table

_ANNOTATIONS = """\
metadata:
  name: {name}
  labels:
    {{{{- include "{chart}.labels" . | nindent 4 }}}}
  {{{{- if {keep} }}}}
  annotations:
    helm.sh/resource-policy: keep
  {{{{- end }}}}
"""
_README = """\
<!-- Derived from values.yaml by `make generate`. -->
# {name}

{about}

## Values

{table}"""
_KEY = re.compile(r"^( *)(?:# )?([A-Za-z][A-Za-z0-9]*):(?: .*)?$")
_COMMENT = re.compile(r"^ *# -- (.*)$")
_MORE = re.compile(r"^ *# (.*)$")


class ChartName(StrEnum):
    """The charts that bring the CRDs; one of them is used."""

    WHOLE = "modelmonitor"
    CRDS = "modelmonitor-crds"


@dataclass(frozen=True)
class _ChartWords:
    """What differs between the charts."""

    install: str
    """Value that decides whether the CRDs are installed; empty: they always are."""
    keep: str
    about: str


_WORDS = {
    ChartName.WHOLE: _ChartWords(
        ".Values.crds.install",
        ".Values.crds.keep",
        """\
The Helm chart of the ModelMonitor operator. Installing it is described in
[docs/install.md](../../docs/install.md), what it may do and why in [docs/security.md](../../docs/security.md).

```sh
helm install modelmonitor charts/modelmonitor --namespace modelmonitor-system --create-namespace
```""",
    ),
    ChartName.CRDS: _ChartWords(
        "",
        ".Values.keep",
        """\
The CustomResourceDefinitions of ModelMonitor as a chart of their own, for those who let somebody else install them
than the operator, or who want them never to go back when the operator is rolled back. Which chart to use when:
[UPGRADE.md](../../UPGRADE.md).

```sh
helm install modelmonitor-crds charts/modelmonitor-crds --namespace modelmonitor-system --create-namespace
helm install modelmonitor charts/modelmonitor --namespace modelmonitor-system --set crds.install=false
```""",
    ),
}


def render_chart_crd(crd: Json, chart: ChartName = ChartName.WHOLE) -> str:
    """The CRD as a template of a chart: upgraded with the chart, kept when it is uninstalled."""
    words = _WORDS[chart]
    name = yaml.safe_load(render_yaml(crd["metadata"]))["name"]
    spec = render_yaml({"spec": crd["spec"]})
    if "{{" in spec:
        raise ValueError(f"a description in {name} reads as a template; write it without double braces")
    head = f"apiVersion: {crd['apiVersion']}\nkind: {crd['kind']}\n" + _ANNOTATIONS.format(
        name=name, chart=chart.value, keep=words.keep
    )
    body = f"{{{{- if {words.install} }}}}\n{head}{spec}{{{{- end }}}}\n" if words.install else head + spec
    return "{{- /* Derived from operator/modelmonitor_api by `make generate`. */ -}}\n" + body


@dataclass(frozen=True)
class ValueRow:
    """One documented value of the chart."""

    key: str
    description: str
    default: object


def render_chart_readme(values: str, chart: ChartName = ChartName.WHOLE) -> str:
    """The chart's README, with a row for each value that has a `# --` comment."""
    rows = [(f"`{row.key}`", cell(json.dumps(row.default)), row.description) for row in parse_values(values)]
    about = _WORDS[chart].about
    return _README.format(name=chart.value, about=about, table=render_table(("value", "default", "what it does"), rows))


def parse_values(text: str) -> list[ValueRow]:
    """The values that carry a `# --` comment, in the order of the file."""
    document = yaml.safe_load(text)
    rows: list[ValueRow] = []
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if match := _COMMENT.match(line):
            comment = [match[1]]
        elif comment and (match := _MORE.match(line)):
            comment.append(match[1])
        elif (match := _KEY.match(line)) and not line.lstrip().startswith("#"):
            path = [*path[: len(match[1]) // 2], match[2]]
            if comment:
                rows.append(ValueRow(".".join(path), " ".join(comment), _lookup(document, path)))
            comment = []
    return rows


def _lookup(document: object, path: list[str]) -> object:
    for key in path:
        if not isinstance(document, dict):
            raise TypeError(f"{'.'.join(path)} is not where its indentation says")
        document = document[key]
    return document
