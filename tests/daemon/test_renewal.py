"""Certificates are exchanged while the worker runs: SIGHUP has their files read again."""

from __future__ import annotations

import os
import re
import signal
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.daemon.certificates import make_certificate, with_passphrase, write
from tests.daemon.test_tls import TlsWorker, connected
from tests.daemon.twistd import ask, wait_until

pytestmark = pytest.mark.slow

STAYS = "stays as it was: "


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[TlsWorker]:
    write(tmp_path, *make_certificate())
    with TlsWorker(tmp_path) as running:
        yield running
        assert running.failures == []


def serial(worker: TlsWorker) -> str:
    """What the certificate is called that a new connection is shown."""
    with worker.connect() as connection:
        found = connection.getpeercert() or {}
        return str(found["serialNumber"])


def hang_up(worker: TlsWorker, says: str) -> None:
    before = worker.output.count(says)
    os.kill(worker.pid, signal.SIGHUP)
    wait_until(lambda: worker.output.count(says) > before)


def metric(worker: TlsWorker, name: str) -> float:
    found = re.search(rf"^sessionworker_{name} (\S+)$", ask(worker, "GET", "/metrics").body.decode(), re.MULTILINE)
    assert found
    return float(found[1])


def test_a_renewed_certificate_is_shown_to_new_connections_and_old_ones_go_on(
    worker: TlsWorker, tmp_path: Path
) -> None:
    with connected(worker) as old:
        for days in (10, 20):
            before = serial(worker)
            old.request("OPTIONS", "/ping")
            assert old.getresponse().read() == b"pong"
            write(tmp_path, *make_certificate(days=days))
            with pytest.raises(ssl.SSLCertVerificationError):  # nothing is read before somebody asks for it
                serial(worker)
            hang_up(worker, "is valid until")
            assert serial(worker) != before
            old.request("OPTIONS", "/ping")  # on the connection that was there before
            assert old.getresponse().read() == b"pong"
            ends = metric(worker, "certificate_expiry_timestamp_seconds")
            assert round((ends - datetime.now(UTC).timestamp()) / 86_400) == days
    assert worker.terminate() == 0


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("a certificate cut off", "one of its files is no key without a passphrase, or no certificate, in PEM."),
        ("an empty key", "one of its files is no key without a passphrase, or no certificate, in PEM."),
        ("a certificate that is missing", "cannot be read: No such file or directory."),
        ("a folder in the place of the key", "cannot be read: Is a directory."),
        ("a key with a passphrase", "key.pem has a passphrase."),  # OpenSSL would ask for it, and the worker wait
        ("a key of another certificate", "the key is not the one of the certificate."),
    ],
)
def test_a_renewal_that_is_no_use_leaves_the_old_certificate_is_said_once_and_counted(
    worker: TlsWorker, tmp_path: Path, broken: str, reason: str
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    worker.authority = tmp_path / "trusted.pem"
    worker.authority.write_text(certificate.read_text())
    before, good = serial(worker), {path: path.read_text() for path in (key, certificate)}
    match broken:
        case "a certificate cut off":
            certificate.write_text(good[certificate][:200])
        case "an empty key":
            key.write_text("")
        case "a certificate that is missing":
            certificate.unlink()
        case "a folder in the place of the key":
            key.unlink()
            key.mkdir()
        case "a key with a passphrase":
            key.write_text(with_passphrase(good[key]))
        case _:
            key.write_text(make_certificate()[0])
    with connected(worker) as old:
        old.request("OPTIONS", "/ping")
        assert old.getresponse().read() == b"pong"
        hang_up(worker, STAYS)
        old.request("OPTIONS", "/ping")
        assert old.getresponse().read() == b"pong"
    assert serial(worker) == before
    assert metric(worker, "certificate_errors_total") == 1
    [line] = [line for line in worker.output.splitlines() if STAYS in line]
    assert f" error [certificate_stays] The certificate of ssl:{worker.tls_port}:" in line
    assert line.endswith(reason)
    assert good[key].splitlines()[1] not in worker.output
    if key.is_dir():
        key.rmdir()
    new = make_certificate()
    write(tmp_path, *new)
    worker.authority.write_text(new[1])
    hang_up(worker, "is valid until")
    assert serial(worker) != before
    assert metric(worker, "certificate_errors_total") == 1
