"""The cluster's own certificate authority and the certificates it signs, made with openssl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelmonitor_testbed.process import run

_DAYS = "30"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """The certificate authority of one cluster, in a folder of its own."""

    folder: Path

    @property
    def pair(self) -> KeyPair:
        """The authority's own certificate and key."""
        return KeyPair(self.folder / "ca.crt", self.folder / "ca.key")

    @property
    def service_account_key(self) -> Path:
        """The private key that signs service account tokens."""
        return self.folder / "service-account.key"

    @property
    def service_account_public_key(self) -> Path:
        """The public half of the service account key."""
        return self.folder / "service-account.pub"

    def issue(self, name: str, subject: str, addresses: Sequence[str] = ()) -> KeyPair:
        """Sign a certificate for a subject such as `/O=system:masters/CN=admin`, valid for the given names and IPs."""
        made = KeyPair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        signer: list[str | Path] = ["-CA", self.pair.certificate, "-CAkey", self.pair.key]
        extensions = ["-addext", "extendedKeyUsage=serverAuth,clientAuth", "-addext", "basicConstraints=CA:FALSE"]
        if addresses:
            extensions += ["-addext", f"subjectAltName={render_alternative_names(addresses)}"]
        target: list[str | Path] = ["-subj", subject, "-keyout", made.key, "-out", made.certificate, "-days", _DAYS]
        run(["openssl", "req", "-x509", *_NEW_KEY, *signer, *target, *extensions])
        return made


def make_authority(folder: Path) -> Authority:
    """Make a new authority and the service account key pair in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    pair = authority.pair
    subject = ["-subj", "/CN=modelmonitor-testbed", "-days", _DAYS]
    run(["openssl", "req", "-x509", *_NEW_KEY, *subject, "-keyout", pair.key, "-out", pair.certificate])
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    run(["openssl", "genpkey", *curve, "-out", authority.service_account_key])
    public = authority.service_account_public_key
    run(["openssl", "pkey", "-in", authority.service_account_key, "-pubout", "-out", public])
    return authority


def render_alternative_names(addresses: Sequence[str]) -> str:
    """Render names and IP addresses the way openssl's subjectAltName wants them."""
    return ",".join(f"IP:{each}" if each.replace(".", "").isdigit() else f"DNS:{each}" for each in addresses)
