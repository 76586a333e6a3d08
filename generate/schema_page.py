"""Reference pages made from models: each object a section, each field a row."""

import json
from collections.abc import Iterator
from typing import cast

from pydantic import BaseModel

from generate.schema import INT_OR_STRING, RULES, Json, structural_schema
from generate.tables import cell, render_table
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_operator.settings import Settings
from modelmonitor_sidecar.settings import Settings as SidecarEnvironment

_BOUNDS = (("minimum", "exclusiveMinimum", "≥", ">"), ("maximum", "exclusiveMaximum", "≤", "<"))
_DERIVED = "<!-- Derived from {source} by `make generate`. -->\n"
_SPEC = """\
# ModelMonitor: spec

What a team writes. `kubectl explain modelmonitor.spec` says the same on a cluster. A complete example is
[examples/full.yaml](../../examples/full.yaml).

"""
_STATUS = """\
# ModelMonitor: status

What the operator answers. Numbers are decimal strings; lists are bounded, with the total beside them. A change of
state is written at once, a change of numbers alone at most once a minute, and `health.observedAt` at least every five
minutes: an old one means that nobody renews the verdict.

"""
_SETTINGS = """\
# Settings of the operator

What an administrator decides. The chart writes these from its values into a ConfigMap that the operator reads at its
start; an unknown name or a value out of range ends the operator with a message that names the field.

"""
_SIDECAR = """
# Environment of the sidecar

The operator sets what has no default when it makes the DaemonSet; the rest is for running a sidecar by hand.

"""


def render_spec() -> str:
    """`docs/reference/spec.md`."""
    return _page("operator/modelmonitor_api/spec.py", _SPEC, "spec", ModelMonitorSpec)


def render_status() -> str:
    """`docs/reference/status.md`."""
    return _page("operator/modelmonitor_api/status.py", _STATUS, "status", ModelMonitorStatus)


def render_settings() -> str:
    """`docs/reference/settings.md`."""
    operator = _page("operator/modelmonitor_operator/settings.py", _SETTINGS, "settings", Settings)
    return operator + _SIDECAR + "\n".join(_sections("environment", structural_schema(SidecarEnvironment)))


def _page(source: str, intro: str, name: str, model: type[BaseModel]) -> str:
    sections = _sections(name, structural_schema(model))
    return _DERIVED.format(source=source) + intro + "\n".join(sections)


def _sections(path: str, schema: Json) -> Iterator[str]:
    """A section for an object, then one for each object in it."""
    properties = cast("dict[str, Json]", schema.get("properties", {}))
    required = cast("list[str]", schema.get("required", []))
    heads = ("field", "type", "default", "what it means")
    rows = [
        (f"`{name}`", _type(child), _default(child, required=name in required), _meaning(child))
        for name, child in properties.items()
    ]
    yield f"## {path}\n\n{render_table(heads, rows)}"
    for name, child in properties.items():
        inner = cast("Json", child.get("items", child))
        if "properties" in inner:
            yield from _sections(f"{path}.{name}" + ("[]" if "items" in child else ""), inner)


def _type(schema: Json) -> str:
    if INT_OR_STRING in schema:
        return "integer or string"
    kind = str(schema.get("type", "object"))
    if kind == "array":
        return f"list of {_type(cast('Json', schema['items']))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return "map of strings"
    return ", ".join([kind, *_limits(schema)])


def _limits(schema: Json) -> Iterator[str]:
    """The bounds as signs; a bound that is itself refused, which the schema flags, reads `>` or `<`."""
    for bound, excluded, sign, strict in _BOUNDS:
        if bound in schema:
            yield f"{strict if schema.get(excluded) is True else sign} {schema[bound]}"


def _default(schema: Json, *, required: bool) -> str:
    if required:
        return "required"
    default = schema.get("default")
    return "" if default in (None, {}, "") else cell(json.dumps(default))


def _meaning(schema: Json) -> str:
    enum = cast("list[str]", schema.get("enum", []))
    rules = cast("list[dict[str, str]]", schema.get(RULES, []))
    parts = [str(schema.get("description", ""))]
    if enum:
        parts.append("One of " + ", ".join(f"`{value}`" for value in enum) + ".")
    parts += [f"*{rule['message']}*." for rule in rules]
    return " ".join(parts)
