"""The chart, rendered by the real Helm."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelmonitor_operator.settings import Settings, parse_settings

CHART = Path(__file__).parents[2] / "charts" / "modelmonitor"
CRD_CHART = CHART.parent / "modelmonitor-crds"
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """What a release would install."""

    text: str
    objects: tuple[Manifest, ...]

    def all(self, kind: str) -> list[Manifest]:
        """The objects of a kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """The object of that kind and name."""
        (found,) = [
            each
            for each in self.all(kind)
            if each["metadata"]["name"] == name and namespace in (None, each["metadata"].get("namespace"))
        ]
        return found

    def settings(self) -> Settings:
        """The operator's settings, read as the operator reads them."""
        (found,) = [each for each in self.all("ConfigMap") if "settings.json" in each.get("data", {})]
        return parse_settings(found["data"]["settings.json"])


class RefusedError(Exception):
    """Helm refused the values; the message is Helm's."""


@dataclass(frozen=True)
class Chart:
    """Renders the chart with values given as a dictionary."""

    helm: Path
    folder: Path

    def render(
        self,
        values: Manifest | None = None,
        release: str = "modelmonitor",
        chart: Path = CHART,
        served: tuple[str, ...] = (),
    ) -> Rendered:
        """Render a release in namespace `system`; RefusedError with Helm's words where it refuses.

        Args:
            served: optional kinds that the cluster serves, as `group/version/Kind`.
        """
        file = self.folder / "values.json"
        file.write_text(json.dumps(values or {}))
        command = [self.helm, "template", release, chart, "--namespace", "system", "--values", file]
        command += [f"--api-versions={each}" for each in served]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RefusedError(done.stderr)
        return Rendered(done.stdout, tuple(each for each in yaml.safe_load_all(done.stdout) if each))

    def notes(self, values: Manifest | None = None, release: str = "modelmonitor") -> str:
        """What Helm tells people after an install, without a cluster."""
        file = self.folder / "values.json"
        file.write_text(json.dumps(values or {}))
        how = ["install", release, CHART, "--namespace", "system", "--dry-run=client", "--values", file]
        done = subprocess.run([self.helm, *how], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.partition("\nNOTES:\n")[2]
