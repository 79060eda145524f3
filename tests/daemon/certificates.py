"""Certificates for localhost, as a test needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = timedelta(days=1)


@dataclass
class Authority:
    """Somebody who signs certificates."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    pem: str
    """Its own certificate."""


def make_authority(name: str, signed_by: Authority | None = None) -> Authority:
    """Make an authority that is signed by another one, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = _sign(name, key, signed_by, x509.BasicConstraints(ca=True, path_length=None), DAY)
    return Authority(_named(name), key, pem)


def make_certificate(authority: Authority | None = None, name: str = "localhost", days: float = 1) -> tuple[str, str]:
    """Make a key, and a certificate that ends in so many days. Without an authority it is signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = _sign(name, key, authority, x509.SubjectAlternativeName([x509.DNSName(name)]), days * DAY)
    return written.decode(), pem


def with_passphrase(key: str) -> str:
    """Return a key as it is written down with a passphrase."""
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    loaded = serialization.load_pem_private_key(key.encode(), None)
    return loaded.private_bytes(pem, form, serialization.BestAvailableEncryption(b"passphrase")).decode()


def write(folder: Path, key: str, certificate: str) -> str:
    """Write both down, and return what an endpoint string says of them."""
    (folder / "key.pem").write_text(key)
    (folder / "certificate.pem").write_text(certificate)
    return f"privateKey={folder / 'key.pem'}:certKey={folder / 'certificate.pem'}"


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority: Authority | None,
    extension: x509.ExtensionType,
    lasts: timedelta,
) -> str:
    now = datetime.now(UTC)
    issuer = authority.name if authority else _named(name)
    certificate = (
        x509.CertificateBuilder(issuer, _named(name), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + lasts)
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(authority.key if authority else key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
