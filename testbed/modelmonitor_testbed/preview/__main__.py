"""`python -m modelmonitor_testbed.preview` draws the dashboards with the answers of a Prometheus, or of a recording."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_operator.desired.dashboard import build_model
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.settings import Settings
from modelmonitor_testbed.cache import checkout_root
from modelmonitor_testbed.demo.run import PROMETHEUS
from modelmonitor_testbed.kubectl import Kubectl
from modelmonitor_testbed.preview.answers import Recording, load, record, save
from modelmonitor_testbed.preview.draw import draw_dashboard
from modelmonitor_testbed.preview.queries import queries_of
from modelmonitor_testbed.prometheus.api import PrometheusApi
from modelmonitor_testbed.prometheus.server import find_prometheus
from modelmonitor_testbed.provider import DEFAULT_NAME, choose

Json = dict[str, Any]


def main() -> int:
    """Draw each dashboard; the one of a model is that of the manifest's ModelMonitor."""
    root = checkout_root()
    parser = argparse.ArgumentParser(prog="python -m modelmonitor_testbed.preview", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--prometheus", metavar="URL", help="for example http://127.0.0.1:9090")
    source.add_argument("--demo", action="store_true", help="the Prometheus of `make demo`")
    source.add_argument("--recording", type=Path, metavar="FOLDER", help="answers that --save has kept")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="keep the answers, one file a dashboard")
    parser.add_argument("--out", type=Path, default=root / "docs" / "images", metavar="FOLDER")
    parser.add_argument("--monitor", type=Path, default=root / "examples" / "demo" / "fraud.yaml", metavar="FILE")
    parser.add_argument("--minutes", type=float, default=15.0, help="how much of the past the graphs show")
    _draw_all(parser.parse_args(), root)
    return 0


def _draw_all(arguments: argparse.Namespace, root: Path) -> None:
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, dashboard in read_dashboards(root, arguments.monitor).items():
        recording = _answers(arguments, name, dashboard)
        if arguments.save:
            arguments.save.mkdir(parents=True, exist_ok=True)
            save(recording, arguments.save / f"{name}.json")
        path = arguments.out / f"dashboard-{name}.png"
        draw_dashboard(dashboard, recording, path)
        print(f"drew {path}")


def _answers(arguments: argparse.Namespace, name: str, dashboard: Json) -> Recording:
    if arguments.recording:
        return load(arguments.recording / f"{name}.json")
    prometheus = find_demo() if arguments.demo else PrometheusApi(arguments.prometheus)
    return record(prometheus, queries_of(dashboard), time.time(), arguments.minutes * 60)


def find_demo() -> PrometheusApi:
    """The Prometheus of `make demo`; raises CommandError where the demo does not run."""
    cluster = choose(os.environ.get("CLUSTER_NAME", DEFAULT_NAME), 1)
    return find_prometheus(Kubectl(cluster.kubeconfig()), PROMETHEUS)


def read_dashboards(root: Path, monitor: Path) -> dict[str, Json]:
    """The chart's dashboards and the one of a ModelMonitor's manifest, by their short names."""
    folder = root / "charts" / "modelmonitor" / "dashboards"
    pages = {path.stem.removeprefix("modelmonitor-"): json.loads(path.read_text()) for path in folder.glob("*.json")}
    return dict(sorted({**pages, "model": _model(monitor)}.items()))


def _model(path: Path) -> Json:
    manifest = yaml.safe_load(path.read_text())
    metadata = manifest["metadata"]
    ref = MonitorRef(metadata["namespace"], metadata["name"])
    spec = ModelMonitorSpec.model_validate(manifest["spec"])
    settings = Settings.model_validate({"namespace": "-", "sidecarNamespace": "-", "sidecar": {"image": "-"}})
    return build_model(settings, Monitor(ref, "", 1, "", 0.0, spec))


if __name__ == "__main__":
    sys.exit(main())
