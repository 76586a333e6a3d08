"""The state file that the simulated library reads: lines of key=value, replaced in one step."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

State = dict[str, str]


def parse_state(text: str) -> State:
    """Read the lines of a state file; ValueError for a line without an equals sign."""
    state: State = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if not separator:
            raise ValueError(f"{line} is not key=value")
        state[key] = value
    return state


def render_state(state: State) -> str:
    """Return the text of a state file, sorted so that two equal states are equal bytes."""
    return "".join(f"{key}={state[key]}\n" for key in sorted(state))


def read_state(path: Path) -> State:
    """Return the state in a file; FileNotFoundError where nobody has made it."""
    return parse_state(path.read_text())


def write_state(path: Path, state: State) -> None:
    """Replace a state file in one step: the library never reads half of it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(render_state(state))
    draft.chmod(0o644)
    draft.replace(path)


@contextmanager
def edited_state(path: Path) -> Iterator[State]:
    """Yield the state of a file for a change, with every other writer locked out until it is written back."""
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = read_state(path)
        yield state
        write_state(path, state)
