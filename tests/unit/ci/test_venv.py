"""A machine that cannot make the environment is told what is missing."""

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / ".ci" / "venv"


def run_with(programs: Path, venv: Path) -> subprocess.CompletedProcess[str]:
    for name in ("mkdir", "dirname", "flock", "id", "rm"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    command = ["/bin/bash", SCRIPT, venv, "requirements-dev.lock"]
    return subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True, timeout=30, check=False)


def fake_python(programs: Path, text: str) -> None:
    python = programs / "python3"
    python.write_text(f"#!/bin/sh\n{text}\n")
    python.chmod(0o755)


def test_without_python_the_version_that_is_needed_is_named(tmp_path: Path) -> None:
    done = run_with(tmp_path, tmp_path / "venv")
    assert (done.returncode, "missing: Python 3.11" in done.stderr) == (1, True)


def test_a_python_of_another_version_is_not_taken(tmp_path: Path) -> None:
    fake_python(tmp_path, "exit 1")
    assert "missing: Python 3.11" in run_with(tmp_path, tmp_path / "venv").stderr


def test_without_the_venv_module_the_package_is_named(tmp_path: Path) -> None:
    fake_python(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac')
    done = run_with(tmp_path, tmp_path / "venv")
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_an_environment_that_is_ready_is_left_alone(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / ".ready").touch()
    done = run_with(tmp_path, venv)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
