"""Manifests of a Triton and its load."""

from pathlib import Path

import yaml

from modelmonitor_testbed.triton.manifests import TritonOptions, demo_manifests, load_deployment, triton_deployment

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "testbed" / "modelmonitor_testbed" / "triton" / "models"


def test_the_committed_demo_is_what_the_builders_say() -> None:
    committed = list(yaml.safe_load_all((ROOT / "testbed" / "manifests" / "demo-triton.yaml").read_text()))
    assert committed == demo_manifests(), "run: python -m modelmonitor_testbed.triton.manifests"


def test_every_model_of_the_demo_exists() -> None:
    for model in TritonOptions().models:
        assert f'name: "{model}"' in (MODELS / model / "config.pbtxt").read_text()


def test_gpus_environment_and_flags_reach_the_container() -> None:
    options = TritonOptions(
        gpus=2, replicas=3, arguments=("--log-verbose=1",), env={"TRITON_METRICS_CONFIG": "summary_latencies=true"}
    )
    deployment = triton_deployment("t", "team-a", options)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert deployment["spec"]["replicas"] == 3
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert container["args"] == ["--log-verbose=1"]
    assert {"name": "TRITON_METRICS_CONFIG", "value": "summary_latencies=true"} in container["env"]


def test_load_finds_its_service_through_the_environment() -> None:
    pod = load_deployment("load", "team-a", "fraud-triton", {"fast": 0.5})["spec"]["template"]["spec"]
    command = pod["containers"][0]["command"]
    assert "--url=$(FRAUD_TRITON_SERVICE_HOST):$(FRAUD_TRITON_SERVICE_PORT_HTTP)" in command
    assert "--model=fast=0.5" in command
