"""The one base of everything that crosses a process: frozen, camelCase on the wire, unknown fields ignored."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Wire(BaseModel):
    """A frozen value with camelCase names on the wire.

    Unknown fields are ignored, so that an older reader understands a newer writer.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def to_wire(self) -> dict[str, object]:
        """The value as JSON types, without the fields that are absent."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
