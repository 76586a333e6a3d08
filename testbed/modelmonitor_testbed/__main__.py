"""`python -m modelmonitor_testbed`: a cluster up and down, images, and kubectl for it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from modelmonitor_testbed.demo.run import run_demo
from modelmonitor_testbed.images import named_image, product_images
from modelmonitor_testbed.kubectl import WaitTimeoutError
from modelmonitor_testbed.progress import step
from modelmonitor_testbed.provider import DEFAULT_NAME, ClusterProvider, choose
from modelmonitor_testbed.tools import HELM, KUBERNETES, tool


def up(cluster: ClusterProvider, _: argparse.Namespace) -> int:
    """Bring the cluster up and print its kubeconfig."""
    cluster.create()
    print(cluster.kubeconfig())
    return 0


def down(cluster: ClusterProvider, _: argparse.Namespace) -> int:
    """Remove the cluster and say whether anything is left."""
    cluster.delete()
    left = cluster.leftovers()
    print("\n".join(f"left behind: {each}" for each in left) or "nothing is left behind")
    return 1 if left else 0


def images(cluster: ClusterProvider, arguments: argparse.Namespace) -> int:
    """Build the named images and load them into the cluster's nodes; those of the product when none is named."""
    for name in arguments.words or product_images():
        archive = named_image(name)
        with step(f"image {name}", "loading", "loaded"):
            cluster.load_image(archive)
    return 0


def kubeconfig(cluster: ClusterProvider, _: argparse.Namespace) -> int:
    """Print the path of the cluster's kubeconfig."""
    print(cluster.kubeconfig())
    return 0


def kubectl(cluster: ClusterProvider, arguments: argparse.Namespace) -> int:
    """Run kubectl for the cluster."""
    return subprocess.call([tool(KUBERNETES, "kubectl"), "--kubeconfig", cluster.kubeconfig(), *arguments.words])


def helm(cluster: ClusterProvider, arguments: argparse.Namespace) -> int:
    """Run Helm for the cluster."""
    return subprocess.call([tool(HELM, "helm"), "--kubeconfig", cluster.kubeconfig(), *arguments.words])


def status(cluster: ClusterProvider, _: argparse.Namespace) -> int:
    """Say what of the cluster is on this machine."""
    print("\n".join(cluster.leftovers()) or "nothing of the cluster is on this machine")
    return 0


def demo(cluster: ClusterProvider, _: argparse.Namespace) -> int:
    """Show the product at work: bring up what is missing, then the living table."""
    return run_demo(cluster)


COMMANDS = {
    "demo": demo,
    "demo-down": down,
    "up": up,
    "down": down,
    "images": images,
    "kubeconfig": kubeconfig,
    "kubectl": kubectl,
    "helm": helm,
    "status": status,
}


def main(words: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m modelmonitor_testbed", description=__doc__)
    parser.add_argument("--name", default=os.environ.get("CLUSTER_NAME", DEFAULT_NAME), help="the cluster's name")
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 2), help="how many nodes `up` makes")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("words", nargs=argparse.REMAINDER, help="image names, or kubectl's or Helm's arguments")
    arguments = parser.parse_args(words)
    try:
        return COMMANDS[arguments.command](choose(arguments.name, arguments.nodes), arguments)
    except (RuntimeError, WaitTimeoutError) as error:
        print(f"{arguments.command} failed: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
