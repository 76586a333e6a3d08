"""How the operator finds the API server from inside a pod."""

from pathlib import Path

import pytest

from modelmonitor_operator.handlers.login import log_in


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
    ids=["an IPv4 address is used as it is", "an IPv6 address gets brackets"],
)
def test_a_pod_uses_the_address_of_its_environment_and_needs_no_dns(host: str, server: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    found = log_in({"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)
    assert found is not None
    assert (found.server, found.token, found.scheme) == (server, "secret", "Bearer")
