"""Models become schemas that the API server accepts."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from generate.schema import Json, structural_schema
from generate.schema_page import render_settings


class Inner(BaseModel):
    """An inner object."""

    limit: int = 7


class Outer(BaseModel):
    """An outer object."""

    name: str = Field(description="A name.")
    inner: Inner = Field(default=Inner(), description="What the field says wins over the class.")
    optional: Inner | None = None
    fixed: Literal["only"] = "only"
    positive: Annotated[float, Field(gt=0)] = 1
    words: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    guarded: Annotated[str, Field(pattern="^a$", json_schema_extra={"x-kubernetes-validations": []})] = "a"
    port: Annotated[int | str, Field(json_schema_extra={"x-kubernetes-int-or-string": True})] = 80


def field(name: str, *, written_by_users: bool = True) -> Json:
    properties = structural_schema(Outer, written_by_users=written_by_users)["properties"]
    assert isinstance(properties, dict)
    return dict(properties[name])


def test_a_reference_is_inlined_and_what_stands_beside_it_wins() -> None:
    assert field("inner") == {
        "description": "What the field says wins over the class.",
        "type": "object",
        "properties": {"limit": {"type": "integer", "default": 7}},
        "default": {},
    }


def test_an_optional_field_is_one_that_is_not_required_and_never_null() -> None:
    assert field("optional") == {
        "description": "An inner object.",
        "type": "object",
        "properties": {"limit": {"type": "integer", "default": 7}},
    }
    assert structural_schema(Outer)["required"] == ["name"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("fixed", {"type": "string", "enum": ["only"], "default": "only"}, id="const is a one-value enum"),
        pytest.param(
            "positive",
            {"type": "number", "minimum": 0, "exclusiveMinimum": True, "default": 1},
            id="an exclusive bound is a bound and a flag",
        ),
        pytest.param("words", {"type": "array", "items": {"type": "string"}}, id="an empty list is no default"),
        pytest.param(
            "labels", {"type": "object", "additionalProperties": {"type": "string"}}, id="an empty map is no default"
        ),
        pytest.param(
            "guarded",
            {"type": "string", "x-kubernetes-validations": [], "default": "a"},
            id="a pattern gives way to a rule with a message",
        ),
        pytest.param("port", {"x-kubernetes-int-or-string": True, "default": 80}, id="a port has no single type"),
    ],
)
def test_a_field_says_what_the_api_server_understands(name: str, expected: Json) -> None:
    assert field(name) == expected


def test_a_page_tells_a_bound_that_is_refused_itself_from_one_that_is_the_least() -> None:
    settings = render_settings().splitlines()
    (deadline,) = (line for line in settings if line.startswith("| `pollTimeoutSeconds`"))
    (least,) = (line for line in settings if line.startswith("| `cycleSeconds`"))
    assert "| number, > 0 |" in deadline
    assert "| number, ≥ 1 |" in least


def test_what_the_operator_writes_has_no_defaults_and_no_closed_sets() -> None:
    assert field("fixed", written_by_users=False) == {"type": "string"}
    assert field("inner", written_by_users=False)["properties"] == {"limit": {"type": "integer"}}


def test_a_real_choice_of_types_is_refused_because_a_structural_schema_has_none() -> None:
    class Choice(BaseModel):
        value: int | str = 1

    with pytest.raises(ValueError, match="no alternatives"):
        structural_schema(Choice)
