"""A machine is told exactly what it lacks, and what is there is used."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from modelmonitor_testbed import provider
from modelmonitor_testbed.cache import cache_root, run_folder
from modelmonitor_testbed.debian import MissingProgramsError, find_missing
from modelmonitor_testbed.kubeconfig import render_kubeconfig
from modelmonitor_testbed.kubectl import WaitTimeoutError, pod_is_ready, render_list, wait_until
from modelmonitor_testbed.node.cluster import NodeCluster
from modelmonitor_testbed.process import CommandError, run
from modelmonitor_testbed.progress import render_line
from modelmonitor_testbed.provider import CurrentCluster, KindCluster, choose
from modelmonitor_testbed.tools import hash_module, same_minor


def test_the_cache_follows_its_own_variable_first(tmp_path: Path) -> None:
    assert cache_root({"MODELMONITOR_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/x"}) == tmp_path


def test_the_cache_follows_the_users_cache_folder_next() -> None:
    assert cache_root({"XDG_CACHE_HOME": "/x"}) == Path("/x/modelmonitor")
    assert cache_root({}) == Path.home() / ".cache" / "modelmonitor"


def test_each_cluster_has_a_run_folder_of_its_own() -> None:
    assert run_folder("one") != run_folder("two")


def test_only_packages_without_their_proof_are_missing() -> None:
    assert find_missing({"b": "there", "a": "absent"}, there=lambda proof: proof == "there") == ["a"]


def test_programs_are_built_anew_when_a_pin_or_a_flag_changes() -> None:
    hashes = {hash_module(b"mod", b"sum", ()), hash_module(b"mod2", b"sum", ()), hash_module(b"mod", b"sum", ("-x",))}
    assert len(hashes) == 3
    assert hash_module(b"ab", b"c", ()) != hash_module(b"a", b"bc", ())


@pytest.mark.parametrize("printed", ["Kubernetes v1.37.0", "Client Version: v1.37.2"])
def test_ready_made_programs_of_the_same_minor_version_are_used(printed: str) -> None:
    assert same_minor(printed)


@pytest.mark.parametrize("printed", ["Kubernetes v1.36.9", "Kubernetes v2.37.0", "no version at all"])
def test_ready_made_programs_of_another_version_are_not(printed: str) -> None:
    assert not same_minor(printed)


def test_a_progress_line_shows_the_elapsed_seconds() -> None:
    assert render_line(12.34, "kube-apiserver", "built") == "[  12.3s] kube-apiserver … built"


def test_a_kubeconfig_carries_its_certificates() -> None:
    config = json.loads(render_kubeconfig("https://x:1", b"authority", b"certificate", b"key"))
    assert base64.b64decode(config["users"][0]["user"]["client-key-data"]) == b"key"
    assert config["clusters"][0]["cluster"]["server"] == "https://x:1"


def test_a_failed_program_is_reported_with_its_last_words() -> None:
    with pytest.raises(CommandError, match="status 3\nlost"):
        run(["sh", "-c", "echo lost >&2; exit 3"])


def test_an_absent_program_is_reported_by_name() -> None:
    with pytest.raises(CommandError, match="no-such-program: program not found"):
        run(["no-such-program"])


def test_waiting_ends_with_what_was_last_seen() -> None:
    with pytest.raises(WaitTimeoutError, match=r"not within 0 s: pods; last seen: \[\]"):
        wait_until(list, 0, "pods")


def test_waiting_tells_how_things_stand_at_its_end() -> None:
    rounds: list[int] = []
    with pytest.raises(WaitTimeoutError, match="1 round was made; last seen: None"):
        wait_until(lambda: rounds.append(1), 0, lambda: f"{len(rounds)} round was made")


def test_a_state_that_cannot_be_told_does_not_hide_that_time_ran_out() -> None:
    def unanswered() -> str:
        raise CommandError("no route to host")

    with pytest.raises(WaitTimeoutError, match="no more is known: no route to host"):
        wait_until(list, 0, unanswered)


def test_waiting_returns_the_answer() -> None:
    assert wait_until(lambda: "here", 0, "it") == "here"


def test_manifests_are_applied_as_one_list() -> None:
    assert json.loads(render_list([{"kind": "A"}, {"kind": "B"}]))["items"] == [{"kind": "A"}, {"kind": "B"}]


def test_a_pod_is_ready_by_its_condition_alone() -> None:
    assert pod_is_ready({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    assert not pod_is_ready({"status": {"phase": "Running"}})


@pytest.mark.parametrize(("kind", "node", "expected"), [("", "", KindCluster), ("no docker", "", NodeCluster)])
def test_kind_is_taken_where_it_works_and_a_node_where_it_does_not(
    monkeypatch: pytest.MonkeyPatch, kind: str, node: str, expected: type
) -> None:
    monkeypatch.setattr(provider, "missing_for_kind", lambda: kind)
    monkeypatch.setattr(provider, "missing_for_node", lambda: node)
    assert isinstance(choose(environment={}), expected)


def test_a_wish_for_a_node_goes_before_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "missing_for_kind", lambda: "")
    monkeypatch.setattr(provider, "missing_for_node", lambda: "")
    assert isinstance(choose(environment={"CLUSTER": "node"}), NodeCluster)


def test_a_machine_that_can_do_neither_reads_what_each_way_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "missing_for_kind", lambda: "missing: docker")
    monkeypatch.setattr(provider, "missing_for_node", lambda: "missing: root, go")
    with pytest.raises(MissingProgramsError, match="kind: missing: docker\n  node: missing: root, go"):
        choose(environment={})


def test_an_unknown_wish_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MissingProgramsError, match="CLUSTER=minikube is unknown; say kind, node or current"):
        choose(environment={"CLUSTER": "minikube"})


def test_the_users_own_cluster_is_never_deleted_and_what_runs_on_it_is_said(tmp_path: Path) -> None:
    cluster = choose(environment={"CLUSTER": "current", "KUBECONFIG": str(tmp_path / "config")})
    assert isinstance(cluster, CurrentCluster)
    cluster.delete()
    assert "helm uninstall modelmonitor" in cluster.leftovers()[0]
    assert cluster.kubeconfig() == tmp_path / "config"
