"""`python -m generate` writes every derived file; with `--check` it shows what differs and how to mend it."""

import argparse
import difflib
import sys
from pathlib import Path

from generate.outputs import build_outputs

ROOT = Path(__file__).resolve().parent.parent
MEND = "Derived files are stale. Run `make generate` and commit what changed."


def main() -> int:
    """Write or compare; 1 where the comparison finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; print differences and end with status 1")
    outputs = build_outputs(ROOT)
    return check(outputs) if parser.parse_args().check else write(outputs)


def write(outputs: dict[Path, str]) -> int:
    """Write the files whose content differs."""
    for path, text in outputs.items():
        if _content(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    return 0


def check(outputs: dict[Path, str]) -> int:
    """Print the difference of each stale file."""
    stale = [path for path, text in outputs.items() if _content(path) != text]
    for path in stale:
        name = str(path.relative_to(ROOT))
        have, want = _content(path).splitlines(keepends=True), outputs[path].splitlines(keepends=True)
        sys.stdout.writelines(difflib.unified_diff(have, want, f"{name} (committed)", f"{name} (derived)"))
    if stale:
        print(MEND)
    return 1 if stale else 0


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
