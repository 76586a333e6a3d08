"""Kubeconfig files that hold everything they need, so that they can be copied and handed on."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from modelmonitor_testbed.certificates import Authority, KeyPair


def render_kubeconfig(server: str, authority_pem: bytes, certificate_pem: bytes, key_pem: bytes) -> str:
    """Render a kubeconfig with one cluster and one user; JSON, which is YAML too."""
    cluster = {"server": server, "certificate-authority-data": _encode(authority_pem)}
    user = {"client-certificate-data": _encode(certificate_pem), "client-key-data": _encode(key_pem)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "testbed", "cluster": cluster}],
        "users": [{"name": "testbed", "user": user}],
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "testbed"}}],
        "current-context": "testbed",
    }
    return json.dumps(document, indent=2) + "\n"


def write_kubeconfig(path: Path, server: str, authority: Authority, pair: KeyPair) -> Path:
    """Write a kubeconfig for the holder of a key pair, readable by its owner only."""
    authority_pem = authority.pair.certificate.read_bytes()
    text = render_kubeconfig(server, authority_pem, pair.certificate.read_bytes(), pair.key.read_bytes())
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def _encode(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
