"""Pydantic model → structural schema of a CustomResourceDefinition, as the API server accepts it.

What differs from JSON Schema: references are inlined, an optional field is one that is not required (`null` is
refused), `const` is a one-value `enum`, `exclusiveMinimum` is a flag, a port is `x-kubernetes-int-or-string`, and the
default of a nested object is `{}`, so that the API server fills in the defaults of its fields.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel

Json = dict[str, object]

_DROPPED = frozenset({"title", "default", "$defs", "$ref", "propertyNames", "const", "anyOf"})
_FIRST = ("description", "type", "format", "enum")
_ORDER = (*_FIRST, "", "required", "properties", "items", "additionalProperties")
INT_OR_STRING = "x-kubernetes-int-or-string"
RULES = "x-kubernetes-validations"


def structural_schema(model: type[BaseModel], *, written_by_users: bool = True) -> Json:
    """The structural schema of a model.

    What the operator alone writes gets no defaults and no closed sets, so that an operator may say something new
    under a schema that is older than itself.
    """
    raw = model.model_json_schema(by_alias=True, mode="validation")
    definitions = cast("dict[str, Json]", raw.get("$defs", {}))
    return _convert(raw, _Conversion(definitions, written_by_users))


@dataclass(frozen=True)
class _Conversion:
    definitions: dict[str, Json]
    written_by_users: bool


def _convert(node: Json, conversion: _Conversion) -> Json:
    node = _resolve(node, conversion.definitions)
    schema = {key: node[key] for key in sorted(node, key=_rank) if key not in _DROPPED}
    if "const" in node:
        schema["enum"] = [node["const"]]
    if properties := cast("dict[str, Json]", node.get("properties", {})):
        schema["properties"] = {name: _convert(child, conversion) for name, child in properties.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            schema[key] = _convert(cast("Json", node[key]), conversion)
    _flag_exclusive_bounds(schema)
    _leave_the_pattern_to_rules(schema)
    if not conversion.written_by_users:
        schema.pop("enum", None)
    elif (default := _default(node)) is not None:
        schema["default"] = default
    return schema


def _rank(key: str) -> int:
    """Description and type first, what holds other schemas last."""
    return _ORDER.index(key) if key in _ORDER else len(_FIRST)


def _resolve(node: Json, definitions: dict[str, Json]) -> Json:
    """The node with its reference and its `X or null` replaced by what they mean; what stands beside them wins."""
    while "$ref" in node or _alternatives(node):
        if "$ref" in node:
            meant = definitions[str(node["$ref"]).rsplit("/", 1)[-1]]
            node = {**meant, **{key: value for key, value in node.items() if key != "$ref"}}
        else:
            (meant,) = _alternatives(node)
            node = {**meant, **{key: value for key, value in node.items() if key != "anyOf"}}
    return node


def _alternatives(node: Json) -> list[Json]:
    """What an optional field may be, apart from null; empty for a port, which is an integer or a string."""
    if INT_OR_STRING in node:
        return []
    found = [one for one in cast("list[Json]", node.get("anyOf", [])) if one.get("type") != "null"]
    if len(found) > 1:
        raise ValueError(f"a structural schema has no alternatives: {found}")
    return found


def _flag_exclusive_bounds(schema: Json) -> None:
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in schema:
            schema[bound] = schema[exclusive]
            schema[exclusive] = True


def _leave_the_pattern_to_rules(schema: Json) -> None:
    """Where a rule with a message of ours checks a string, drop the pattern: its message is a regular expression."""
    if RULES in schema:
        schema.pop("pattern", None)


def _default(node: Json) -> object:
    """The default that the API server fills in; none for an absent, empty list or empty map."""
    default = node.get("default")
    if default is None:
        return None
    if "properties" in node:
        return {}
    return None if default in ([], {}, "") else default
