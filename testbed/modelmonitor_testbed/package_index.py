"""Hands this machine's way to Python packages on to image builds: pip's settings and the CA bundle, read-only."""

from __future__ import annotations

import sys
from pathlib import Path

from modelmonitor_testbed.process import CommandError, run

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_HANDED_ON = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")


def parse_pip_settings(listing: str) -> dict[str, str]:
    """Return the settings of `pip config list` that hold in a build too; what names this machine's files does not."""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        name, _, quoted = line.partition("=")
        setting = name.rpartition(".")[2]
        if setting in _HANDED_ON:
            found[setting] = quoted.strip().strip("'\"")
    return found


def render_pip_configuration() -> str:
    """Render the pip configuration of a build; certificates come from the system's bundle."""
    try:
        settings = parse_pip_settings(run([sys.executable, "-m", "pip", "config", "list"], timeout_seconds=60))
    except CommandError:
        settings = {}
    settings |= {"cert": str(CERTIFICATES)} if CERTIFICATES.exists() else {}
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in sorted(settings.items()))
