"""How kopf proves itself to the API server inside a pod: at the address of the environment, which needs no DNS."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kopf

SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def log_in(
    environment: Mapping[str, str] = os.environ, folder: Path = SERVICE_ACCOUNT_FOLDER, **given: Any
) -> kopf.ConnectionInfo | None:
    """The pod's service account, or the kubeconfig where there is no pod.

    kopf asks again when the API server answers 401, and then reads the token that the kubelet has renewed.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
    token = folder / "token"
    if not host or not port or not token.exists():
        return kopf.login_with_kubeconfig(**given)
    address = f"[{host}]" if ":" in host else host
    return kopf.ConnectionInfo(
        server=f"https://{address}:{port}",
        ca_path=str(folder / "ca.crt"),
        scheme="Bearer",
        token=token.read_text().strip(),
    )
