"""The images say what they are, and hold no more than they need."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from modelmonitor_testbed.image_contents import Weight, render, weigh

ROOT = Path(__file__).parents[3]
LABELS = ("title", "description", "licenses", "documentation", "version", "revision", "base.name")
IMAGES = ("operator", "sidecar")
WITH_THE_DEMOS = (*IMAGES, "testbed/images/triton")


def dockerfile(image: str) -> str:
    return (ROOT / image / "Dockerfile").read_text()


@pytest.mark.parametrize("image", WITH_THE_DEMOS)
def test_an_image_says_what_it_is_and_of_which_version(image: str) -> None:
    text = dockerfile(image)
    assert [name for name in LABELS if f'org.opencontainers.image.{name}="' not in text] == []
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^ARG VERSION=(.*)$", text, re.MULTILINE) == [version]
    chart = yaml.safe_load((ROOT / "charts" / "modelmonitor" / "Chart.yaml").read_text())
    assert chart["appVersion"] == version


@pytest.mark.parametrize("image", WITH_THE_DEMOS)
def test_an_image_is_built_in_stages_from_hashed_packages_and_does_not_run_as_root(image: str) -> None:
    text = dockerfile(image)
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) >= 2
    installs = re.findall(r"pip install[^&]*", text.replace("\\\n", " "))
    assert installs
    assert [each for each in installs if "--require-hashes" not in each] == []
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["65532:65532"]
    assert "COPY LICENSE /licenses/LICENSE" in text


def test_the_operator_loads_none_of_the_modules_that_its_image_leaves_out() -> None:
    script = (
        "import sys, modelmonitor_operator.__main__, modelmonitor_operator.smoke;"
        "print([m for m in sys.modules if m.startswith('kubernetes') and m.endswith('_api')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
    assert "*/kubernetes/*client/api/*_api.py' -delete" in dockerfile("operator")


def test_packages_are_weighed_without_their_bytecode(tmp_path: Path) -> None:
    info = tmp_path / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (tmp_path / "thing.py").write_bytes(b"x" * 1024 * 1024)
    (tmp_path / "thing.pyc").write_bytes(b"x" * 1024 * 1024)
    (info / "RECORD").write_text("thing.py,,\nthing.pyc,,\nthing-1.0.dist-info/METADATA,,\n")
    (found,) = weigh(tmp_path)
    assert (found.name, found.version, round(found.mebibytes, 1)) == ("thing", "1.0", 1.0)


def test_small_packages_share_a_row_and_all_are_added_up() -> None:
    table = render([Weight("large", "1", 2.0), Weight("a", "1", 0.1), Weight("b", "1", 0.2)])
    assert "| large 1 | 2.0 |" in table
    assert "| 2 smaller ones | 0.3 |" in table
    assert "| all 3 | 2.3 |" in table


@pytest.mark.parametrize("image", IMAGES)
def test_the_page_on_images_names_every_package_that_is_locked_and_heavy(image: str) -> None:
    page = (ROOT / "docs" / "images.md").read_text()
    direct = {"operator": ["kubernetes", "kopf", "aiohttp", "uvloop", "pydantic"], "sidecar": ["numpy", "grpcio"]}
    lock = (ROOT / image / "requirements.lock").read_text()
    for name in direct[image]:
        versions = re.findall(rf"^{name}==([^ ;\\]+)", lock, re.MULTILINE)
        weighed = [version for version in versions if f"| {name} {version} |" in page]
        assert weighed, f"measure {name} again: python -m modelmonitor_testbed.image_contents {image}"
