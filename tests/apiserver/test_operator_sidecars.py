"""The sidecars' DaemonSet and key on a real API server: made, restored, never taken over, taken away."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelmonitor_testbed.kubectl import Kubectl, wait_until
from tests.apiserver.installation import Installation, condition


@pytest.fixture
def installed(kubectl: Kubectl, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    name = f"sc-{abs(hash(request.node.name)) % 10**8}"
    installation = Installation(kubectl, tmp_path, name)
    installation.prepare()
    yield installation
    installation.stop()


def owners(found: dict[str, Any]) -> list[str]:
    return [owner["uid"] for owner in found["metadata"].get("ownerReferences", [])]


def whole(installed: Installation) -> dict[str, Any] | None:
    """The DaemonSet once it is more than its seed."""
    found = installed.daemon_set()
    return (
        found
        if found and "affinity" not in found["spec"] and found["spec"]["template"]["spec"].get("volumes")
        else None
    )


def test_the_first_monitor_brings_sidecars_and_their_key_owned_by_the_anchor(installed: Installation) -> None:
    installed.start()
    assert installed.daemon_set() is None
    installed.kubectl.apply(installed.monitor())
    daemon_set = wait_until(lambda: whole(installed), 10, "the DaemonSet is there")
    key = wait_until(installed.key, 5, "the key is there")
    anchor = installed.find("configmap", "modelmonitor-anchor")
    assert anchor is not None
    assert owners(daemon_set) == owners(key) == [anchor["metadata"]["uid"]]
    assert len(base64.b64decode(key["data"]["key"])) >= 32
    assert daemon_set["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/os"] == "linux"


def test_a_deleted_or_edited_daemon_set_is_restored(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor())
    first = wait_until(lambda: whole(installed), 10, "the DaemonSet is there")
    installed.kubectl.delete("daemonset", "modelmonitor-sidecar", installed.system, wait=False)
    wait_until(
        lambda: (found := whole(installed)) and found["metadata"]["uid"] != first["metadata"]["uid"], 10, "it is back"
    )
    patch = '{"spec":{"template":{"spec":{"containers":[{"name":"sidecar","image":"evil"}]}}}}'
    installed.kubectl.run("patch", "daemonset", "modelmonitor-sidecar", "-n", installed.system, "--patch", patch)
    wait_until(
        lambda: (
            (found := installed.daemon_set()) and found["spec"]["template"]["spec"]["containers"][0]["image"] != "evil"
        ),
        10,
        "its image is restored",
    )


def test_a_deleted_key_is_made_anew(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor())
    first = wait_until(installed.key, 10, "the key is there")
    installed.kubectl.delete("secret", "modelmonitor-sidecar-key", installed.system, wait=False)
    second = wait_until(lambda: (k := installed.key()) and k["data"] != first["data"] and k, 10, "another key is there")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]


def test_a_daemon_set_of_the_users_own_is_never_taken_over(installed: Installation) -> None:
    labels = {"app": "mine"}
    mine = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "modelmonitor-sidecar", "namespace": installed.system},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "mine"}]}},
        },
    }
    installed.kubectl.apply(mine)
    installed.start()
    installed.kubectl.apply(installed.monitor())
    said = wait_until(
        lambda: (
            "left alone" in condition(installed.status(), "SidecarsReady").get("message", "")
            and condition(installed.status(), "SidecarsReady")
        ),
        15,
        "the status says so",
    )
    assert said["status"] == "False"
    assert "rename or delete it" in said["message"]
    found = installed.daemon_set()
    assert found is not None
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "mine"


def test_without_an_anchor_nothing_is_made_and_the_status_says_so(installed: Installation) -> None:
    installed.kubectl.delete("configmap", "modelmonitor-anchor", installed.system)
    installed.start()
    installed.kubectl.apply(installed.monitor())
    wait_until(
        lambda: "anchor is missing" in condition(installed.status(), "SidecarsReady").get("message", ""),
        15,
        "the status names the anchor",
    )
    assert installed.daemon_set() is None
    assert installed.key() is None


def test_an_anchor_with_a_new_uid_makes_everything_anew(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor())
    first = wait_until(lambda: whole(installed), 10, "the DaemonSet is there")
    installed.kubectl.delete("configmap", "modelmonitor-anchor", installed.system)
    installed.kubectl.apply(installed.anchor())
    anchor = installed.find("configmap", "modelmonitor-anchor")
    assert anchor is not None
    renewed = wait_until(
        lambda: (found := whole(installed)) and owners(found) == [anchor["metadata"]["uid"]] and found,
        20,
        "the new anchor owns a DaemonSet",
    )
    assert renewed["metadata"]["uid"] != first["metadata"]["uid"]
    wait_until(lambda: (k := installed.key()) and owners(k) == [anchor["metadata"]["uid"]], 20, "and a key")


def test_the_last_monitor_takes_the_sidecars_with_it(installed: Installation) -> None:
    installed.start()
    installed.kubectl.apply(installed.monitor("one"), installed.monitor("two"))
    wait_until(lambda: whole(installed), 10, "the DaemonSet is there")
    installed.kubectl.delete("modelmonitor", "one", installed.tenant)
    wait_until(lambda: installed.status("two"), 10, "the other one is looked after")
    assert installed.daemon_set() is not None
    installed.kubectl.delete("modelmonitor", "two", installed.tenant)
    wait_until(lambda: not installed.daemon_set() and not installed.key(), 10, "DaemonSet and key are gone")


def test_pod_security_in_the_way_is_told_with_the_command_that_mends_it(installed: Installation) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    installed.kubectl.run("label", "namespace", installed.system, level)
    installed.node(f"{installed.name}-n1")
    installed.start()
    installed.kubectl.apply(installed.monitor())
    message = wait_until(
        lambda: "pod-security" in (text := condition(installed.status(), "SidecarsReady").get("message", "")) and text,
        40,
        "the status says why there are no sidecars",
    )
    assert f"kubectl label namespace {installed.system} --overwrite" in message
