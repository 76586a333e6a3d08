"""A node's configuration keeps two nodes of one machine apart and gives the product what it reads."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_testbed.certificates import Authority, KeyPair, render_alternative_names
from modelmonitor_testbed.control_plane_arguments import (
    ControlPlanePlan,
    api_server_arguments,
    controller_manager_arguments,
    render_audit_policy,
)
from modelmonitor_testbed.node.addresses import Addresses
from modelmonitor_testbed.node.configuration import (
    PAUSE_IMAGE,
    NodePlace,
    kubelet_arguments,
    render_cni,
    render_containerd,
    render_kubelet,
    render_proxy,
)

FOLDER = Path("/cache/run/demo")


def place(number: int = 1) -> NodePlace:
    return NodePlace("demo", number, FOLDER / f"node{number}", Addresses(150))


def plan(**changes: Any) -> ControlPlanePlan:
    settings: dict[str, Any] = {
        "folder": FOLDER,
        "authority": Authority(FOLDER / "pki"),
        "address": "10.150.0.2",
        "port": 6443,
        "etcd_port": 2379,
        "etcd_peer_port": 2380,
        "service_range": "10.150.128.0/20",
    }
    return ControlPlanePlan(**(settings | changes))


def api_server(**changes: Any) -> list[str]:
    pair = KeyPair(FOLDER / "pki/x.crt", FOLDER / "pki/x.key")
    return api_server_arguments(plan(**changes), pair, pair)


def test_two_nodes_have_control_groups_folders_and_addresses_of_their_own() -> None:
    one, two = place(1), place(2)
    for of_one, of_two in (
        (one.control_group, two.control_group),
        (one.folder, two.folder),
        (one.address, two.address),
        (one.name, two.name),
        (render_cni(one), render_cni(two)),
        (render_containerd(one, Path("/usr/sbin/runc")), render_containerd(two, Path("/usr/sbin/runc"))),
    ):
        assert of_one != of_two


def test_containerd_uses_our_pause_image_and_our_folders() -> None:
    settings = tomllib.loads(render_containerd(place(), Path("/usr/sbin/runc")))
    plugins = settings["plugins"]
    assert plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == PAUSE_IMAGE
    assert settings["root"].startswith(str(FOLDER))
    runtime = plugins["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["BinaryName"] == "/usr/sbin/runc"


def test_pods_have_a_default_route_or_they_never_reach_a_service() -> None:
    ipam = json.loads(render_cni(place()))["plugins"][0]["ipam"]
    assert ipam["routes"] == [{"dst": "0.0.0.0/0"}]
    assert ipam["ranges"] == [[{"subnet": "10.150.1.0/24"}]]


def test_a_kubelet_asks_who_calls_and_keeps_every_image() -> None:
    kubelet = json.loads(render_kubelet(place(), FOLDER / "pki/ca.crt"))
    assert kubelet["authentication"]["anonymous"]["enabled"] is False
    assert kubelet["authorization"]["mode"] == "Webhook"
    assert kubelet["imageGCHighThresholdPercent"] == 100
    assert kubelet["cgroupRoot"] == "/modelmonitor-demo-1"


def test_a_node_carries_the_label_that_marks_gpu_nodes() -> None:
    assert "--node-labels=nvidia.com/gpu.present=true" in kubelet_arguments(place())


def test_a_proxy_leaves_the_machines_connection_tracking_alone() -> None:
    proxy = json.loads(render_proxy(place(), FOLDER / "kube-proxy.kubeconfig"))
    assert proxy["conntrack"]["maxPerCore"] == 0
    assert proxy["mode"] == "nftables"


def test_access_is_decided_by_roles_in_both_kinds_of_cluster() -> None:
    for pods in (None, "10.150.0.0/17"):
        assert "--authorization-mode=Node,RBAC" in api_server(pod_range=pods)


def test_without_nodes_the_api_server_listens_on_its_own_address_only() -> None:
    assert "--bind-address=127.0.0.1" in api_server(address="127.0.0.1")
    assert not any(each.startswith("--bind-address") for each in api_server(pod_range="10.150.0.0/17"))


def test_an_audit_log_is_written_only_when_asked_for() -> None:
    assert not any("audit" in each for each in api_server())
    assert f"--audit-log-path={FOLDER}/audit.jsonl" in api_server(audit_log=FOLDER / "audit.jsonl")


def test_the_audit_policy_keeps_the_start_of_a_watch() -> None:
    policy = json.loads(render_audit_policy())
    assert policy["omitStages"] == ["RequestReceived"]
    assert policy["rules"][0]["userGroups"] == ["system:serviceaccounts"]


def test_controllers_act_as_their_own_service_accounts() -> None:
    arguments = controller_manager_arguments(plan(), FOLDER / "kubeconfig")
    assert "--use-service-account-credentials=true" in arguments


@pytest.mark.parametrize(("name", "rendered"), [("10.0.0.1", "IP:10.0.0.1"), ("localhost", "DNS:localhost")])
def test_names_and_addresses_of_a_certificate_are_told_apart(name: str, rendered: str) -> None:
    assert render_alternative_names([name]) == rendered
