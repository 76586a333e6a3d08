"""What the sidecar's edge tests share."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modelmonitor_sidecar.sources.bounded_http import BoundedHttp
from modelmonitor_sidecar.sources.triton import TritonReader


@pytest.fixture
async def reader() -> AsyncIterator[TritonReader]:
    """A reader with a short deadline."""
    http = BoundedHttp(1.0)
    yield TritonReader(http)
    await http.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    key, cert = path.with_name("key.pem"), path.with_name("cert.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    path.write_text(key.read_text() + cert.read_text())
    return path
