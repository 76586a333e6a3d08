"""What the testbed needs of Debian, installed only where it is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from modelmonitor_testbed.process import CommandError, run
from modelmonitor_testbed.progress import step

CONTROL_PLANE_NEEDS: Mapping[str, str] = {"openssl": "openssl", "util-linux": "setpriv"}
"""Debian package → program or file that proves it, for a control plane alone."""

NODE_NEEDS: Mapping[str, str] = {
    **CONTROL_PLANE_NEEDS,
    "iproute2": "ip",
    "iptables": "iptables",
    "nftables": "nft",
    "conntrack": "conntrack",
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
}
"""Debian package → proof, for a whole node."""

IMAGE_NEEDS: Mapping[str, str] = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdio.h",
}
"""Debian package → proof, for building images."""


class MissingProgramsError(RuntimeError):
    """This machine lacks programs that cannot be installed here; the message lists them."""


def is_there(proof: str) -> bool:
    """Tell whether a program is on the path or a file exists."""
    if proof.startswith("/"):
        return Path(proof).exists()
    return shutil.which(proof, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def find_missing(needs: Mapping[str, str], there: Callable[[str], bool] = is_there) -> list[str]:
    """Return the packages whose proof is absent, in order."""
    return sorted(package for package, proof in needs.items() if not there(proof))


def ensure(needs: Mapping[str, str]) -> None:
    """Install what is missing with apt; raise MissingProgramsError with the exact list where that is impossible."""
    missing = find_missing(needs)
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        names = ", ".join(missing)
        raise MissingProgramsError(f"missing: {names}. Install them (on Debian as root: apt-get install ...).")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Debian packages {' '.join(missing)}", "installing", "installed"):
        try:
            run(["apt-get", "update", "-q"], environment=environment)
            run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], environment=environment)
        except CommandError as error:
            message = f"missing: {', '.join(missing)}, and apt could not install them.\n{error}"
            raise MissingProgramsError(message) from error
    if still := find_missing(needs):
        raise MissingProgramsError(f"still missing after installation: {', '.join(still)}")
