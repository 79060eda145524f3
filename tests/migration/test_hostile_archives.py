"""Archives of strangers, and keys from anywhere: what is hostile, too large or a pipe does no harm."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from sessionworker.migration.archives import reading
from sessionworker.migration.archives.encryption import Lock, Unlock
from sessionworker.migration.archives.reading import Reader
from sessionworker.migration.archives.records import ArchiveError, Head, Record, Sum, Total, encode
from sessionworker.migration.arriving import digest_of
from sessionworker.migration.found import SourceError
from sessionworker.migration.sources.archive import open_archive
from tests.migration.examples import account
from tests.migration.test_archive import NO_KEY, SALES, read, write


def lines(*records: Record) -> bytes:
    """An archive of records, with the end that fits."""
    total = Total()
    for one in records:
        if isinstance(one, Sum):
            total.add(one)
    return b"".join(encode(one) + b"\n" for one in (*records, total.end))


def empty(name: str, size: int = 0) -> Sum:
    return Sum("g", name, 0, size, digest_of({}))


def test_what_a_hostile_archive_says_is_no_failure_of_ours(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    place.write_bytes(encode(HEAD) + b'\n{"record":"file","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")
    with pytest.raises(ArchiveError, match="damaged"):
        read(place)
    place.write_bytes(lines(Head(1, "\x1b]0;mine\x07", "somebody")))
    with Reader(place, NO_KEY) as reader:
        assert reader.made.isprintable()
    place.write_bytes(lines(HEAD, empty("i"), empty("i")))
    with pytest.raises(ArchiveError, match="in it twice"):
        read(place)
    place.write_bytes(lines(HEAD, empty("i", 10**15)))
    assert [one.is_whole for one in read(place)] == [False]


@pytest.mark.parametrize("piece", [b"a", b'{"record":"file","group":"g","instance":"i","key":"%d","data":"1"}\n'])
def test_what_unpacks_to_any_size_fills_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: bytes
) -> None:
    monkeypatch.setattr(reading, "LARGEST", 100_000)
    bomb = encode(HEAD) + b"\n" + b"".join(piece.replace(b"%d", b"%d" % number) for number in range(200_000))
    (tmp_path / "archive").write_bytes(gzip.compress(bomb))
    with pytest.raises(ArchiveError, match="too large"):
        read(tmp_path / "archive")


def test_many_instances_are_not_one_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 10_000)
    places = {("g", str(number)): account(str(number), "5511999999999") for number in range(10)}
    write(tmp_path / "archive", places)
    assert (tmp_path / "archive").stat().st_size > reading.LARGEST
    assert len(read(tmp_path / "archive")) == len(places)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="It is no file"):
        read(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_the_file_of_an_identity_may_come_from_anywhere(tmp_path: Path) -> None:
    first, second = (pyrage.x25519.Identity.generate() for _ in range(2))
    write(tmp_path / "archive", SALES, Lock(recipients=(str(first.to_public()),)))
    file = tmp_path / "identity"
    file.write_bytes(f"\ufeff# of Windows\r\n\r\n{second}\r\n{first}  \r\n".encode())
    assert len(read(tmp_path / "archive", Unlock(file))) == len(SALES)
    file.write_text(str(second))
    with pytest.raises(ArchiveError, match="another key opens it"):
        read(tmp_path / "archive", Unlock(file))
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n")
    with pytest.raises(ArchiveError, match="no key of age") as refused:
        read(tmp_path / "archive", Unlock(file))
    assert "secret" not in str(refused.value)


def test_an_identity_may_come_through_a_pipe(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    write(tmp_path / "archive", SALES, Lock(recipients=(str(identity.to_public()),)))
    reading_end, writing_end = os.pipe()
    os.write(writing_end, f"{identity}\n".encode())
    os.close(writing_end)
    try:
        source = open_archive(tmp_path / "archive", identities=Path(f"/dev/fd/{reading_end}"))
        found = {account.name: source.read(account).values for account in source.accounts()}
        source.close()
    finally:
        os.close(reading_end)
    assert found == {name: values for (_, name), values in SALES.items()}


def test_an_account_that_was_whole_and_is_not_any_more_is_not_given(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    write(place, SALES)
    source = open_archive(place)
    data = place.read_bytes()
    place.write_bytes(data.replace(b"5511999999999", b"5511999999998"))
    with pytest.raises(SourceError, match="has changed meanwhile"):
        source.read(source.accounts()[0])
    source.close()
