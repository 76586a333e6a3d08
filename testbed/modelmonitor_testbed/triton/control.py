"""Behaviour of a served model, changed while it runs through one small file per model.

A file and not a request: it works while every request fails, and `kubectl exec` needs no port.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

DEFAULT_DIRECTORY = Path("/tmp/control")


@dataclass(frozen=True)
class Behaviour:
    """How a model answers; delays in milliseconds, the share of failing executions from 0 to 1."""

    delay_ms: float = 0.0
    fail_ratio: float = 0.0
    error_ratio: float = 0.0

    def with_settings(self, settings: dict[str, str]) -> "Behaviour":
        """Return this behaviour with the given settings; ValueError for an unknown name or no number."""
        unknown = sorted(settings.keys() - self.__dataclass_fields__.keys())
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]}; known: {', '.join(self.__dataclass_fields__)}")
        return replace(self, **{name: float(value) for name, value in settings.items()})


def control_directory() -> Path:
    """Return the folder of control files, from TRITON_CONTROL_DIR where it is set."""
    return Path(os.environ.get("TRITON_CONTROL_DIR", DEFAULT_DIRECTORY))


def parse_settings(text: str) -> dict[str, str]:
    """Read `name=value` words; ValueError for a word without an equals sign."""
    settings = {}
    for word in text.split():
        name, separator, value = word.partition("=")
        if not separator:
            raise ValueError(f"{word} is not name=value")
        settings[name] = value
    return settings


def write_settings(model: str, settings: dict[str, str], directory: Path) -> None:
    """Replace a model's control file in one step, so that a reader never sees half of it."""
    directory.mkdir(parents=True, exist_ok=True)
    draft = directory / f".{model}.draft"
    draft.write_text("".join(f"{name}={value}\n" for name, value in sorted(settings.items())))
    draft.replace(directory / model)


def read_settings(model: str, directory: Path) -> dict[str, str]:
    """Return a model's settings; none where it has no control file."""
    try:
        return parse_settings((directory / model).read_text())
    except FileNotFoundError:
        return {}


class BehaviourFile:
    """The current behaviour of one model: its defaults, overridden by its control file."""

    def __init__(self, model: str, defaults: Behaviour, directory: Path) -> None:
        self._model = model
        self._defaults = defaults
        self._directory = directory

    def read(self) -> Behaviour:
        """Return the behaviour that holds now."""
        return self._defaults.with_settings(read_settings(self._model, self._directory))


class Share:
    """Says yes to an exact share of questions, without chance, so that tests need no tolerance."""

    def __init__(self) -> None:
        self._owed = 0.0

    def take(self, ratio: float) -> bool:
        """Return whether this question is one of the share."""
        self._owed += ratio
        if self._owed < 1.0 - 1e-9:
            return False
        self._owed -= 1.0
        return True
