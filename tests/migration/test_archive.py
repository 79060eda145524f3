"""The worker's own archive: what was written comes back byte for byte, and what is not whole is not taken for it."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.migration.archives import reading
from sessionworker.migration.archives.encryption import Lock, Unlock
from sessionworker.migration.archives.reading import Instance, Reader
from sessionworker.migration.archives.records import ArchiveError, Head, Record, Sum, Total, encode
from sessionworker.migration.archives.writing import writing, writing_file
from sessionworker.migration.arriving import digest_of
from sessionworker.migration.found import SourceError
from sessionworker.migration.sources.archive import open_archive
from tests.migration.examples import account

NO_LOCK, NO_KEY = Lock(), Unlock()

Locks = tuple[Lock, Unlock]

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."}
)
TEXTS = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


def write(place: Path, accounts: Mapping[tuple[str, str], Mapping[str, bytes]], lock: Lock = NO_LOCK) -> None:
    with writing_file(place, lock, is_compressed=place.suffix == ".gz") as writer:
        for (group, name), values in accounts.items():
            writer.add(group, name, values)
        writer.finish()


def read(place: Path, unlock: Unlock = NO_KEY) -> list[Instance]:
    with Reader(place, unlock) as reader:
        found = list(reader.instances())
        assert reader.end is not None
    return found


@pytest.fixture(params=["plain", "a key"])
def locks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Locks:
    """What encrypts an archive, if anything does, and what opens it."""
    if request.param == "plain":
        return NO_LOCK, NO_KEY
    identity = pyrage.x25519.Identity.generate()
    file = tmp_path_factory.mktemp("key") / "identity"
    file.write_text(f"# made for a test\n{identity}\n")
    return Lock(recipients=(str(identity.to_public()),)), Unlock(file)


def names_in(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


SALES = {("codechat", "sales"): account("sales", "5511999999999"), ("codechat", "new"): {}}


@pytest.mark.parametrize("name", ["archive.gz", "archive"])
def test_what_was_written_comes_back(tmp_path: Path, name: str, locks: Locks) -> None:
    write(tmp_path / name, SALES, locks[0])
    found = read(tmp_path / name, locks[1])
    assert {(one.group, one.name): one.values for one in found} == SALES
    assert all(one.is_whole for one in found)


@settings(deadline=None)  # it waits for the disk
@given(st.dictionaries(NAMES, TEXTS, max_size=5))
def test_every_text_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]
) -> None:
    texts = {key: f" {json.dumps(value)} ".encode() for key, value in values.items()}
    place = tmp_path_factory.mktemp("archive") / "archive"
    write(place, {("g", "i"): texts})
    assert read(place) == [Instance("g", "i", texts, is_whole=True)]


@pytest.mark.parametrize("name", ["archive.gz", "archive"])
def test_one_that_was_cut_off_anywhere_is_not_taken_for_whole(tmp_path: Path, name: str, locks: Locks) -> None:
    whole, cut = tmp_path / name, tmp_path / f"cut-{name}"
    write(whole, SALES, locks[0])
    data = whole.read_bytes()
    step = max(1, len(data) // 40)
    for length in [0, 1, 2, *range(3, len(data) - 1, step), len(data) - 2]:
        cut.write_bytes(data[:length])
        with pytest.raises(ArchiveError):
            read(cut, locks[1])


def test_one_that_was_cut_off_behind_a_record_is_not_taken_for_whole(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    write(place, SALES)
    records = place.read_bytes().splitlines(keepends=True)
    for count in range(len(records)):
        place.write_bytes(b"".join(records[:count]))
        with pytest.raises(ArchiveError, match="cut off" if count else "damaged"):
            read(place)


def test_a_byte_that_was_changed_is_seen(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    write(place, SALES)
    data = place.read_bytes()
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 1
        place.write_bytes(changed)
        try:
            found = read(place)
        except ArchiveError:
            continue
        is_of_the_head = position < data.index(b"\n")  # when, and by whom
        assert is_of_the_head or not all(one.is_whole for one in found), position


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    write(place, SALES, Lock(passphrase="right"))
    for unlock, why in ((Unlock(), "--passphrase-file"), (Unlock(passphrase="wrong"), "does not open it")):
        with pytest.raises(ArchiveError, match=why):
            read(place, unlock)
    with pytest.raises(ArchiveError, match="age1"):
        write(tmp_path / "another", SALES, Lock(recipients=("ssh-ed25519 AAAA",)))
    (tmp_path / "none").write_text("# nothing")
    (tmp_path / "text").write_text("a text\n")
    with pytest.raises(ArchiveError, match="no archive of the worker's"):
        read(tmp_path / "text")
    with pytest.raises(ArchiveError, match="cannot be read: No such file"):
        read(tmp_path / "nothing")


def test_what_is_not_finished_leaves_nothing(tmp_path: Path, locks: Locks) -> None:
    with writing_file(tmp_path / "archive", locks[0], is_compressed=True) as writer:
        writer.add("g", "i", account("i", "5511999999999"))

    def fail() -> None:
        with writing_file(tmp_path / "archive", locks[0], is_compressed=True) as writer:
            writer.add("g", "i", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


class Full(io.BytesIO):
    def write(self, _data: object) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("is_compressed", [True, False])
def test_a_stream_that_is_full_is_told(locks: Locks, is_compressed: bool) -> None:
    def write_all() -> None:
        with writing(Full(), locks[0], is_compressed=is_compressed) as writer:
            for number in range(100):
                writer.add("g", str(number), account("i", "5511999999999"))
            writer.finish()

    with pytest.raises((OSError, ArchiveError), match="No space left"):
        write_all()


def test_accounts_are_read_in_any_order(tmp_path: Path) -> None:
    places = {("g", name): account(name, "5511999999999") for name in "cab"}
    write(tmp_path / "archive", places)
    source = open_archive(tmp_path / "archive")
    accounts = source.accounts()
    assert [one.name for one in accounts] == ["c", "a", "b"]
    for one in (*accounts, *reversed(accounts), accounts[1]):
        assert source.read(one).values == places["g", one.name]
    source.close()


def test_an_account_that_is_damaged_is_told_and_others_are_not_concerned(tmp_path: Path) -> None:
    place = tmp_path / "archive"
    write(place, {("g", "a"): account("a", "5511999999999"), ("g", "b"): account("b", "5511888888888")})
    data = place.read_bytes()
    position = data.rindex(b"5511888888888")
    place.write_bytes(data[:position] + b"4" + data[position + 1 :])
    source = open_archive(place)
    assert [[note.code for note in one.notes] for one in source.accounts()] == [[], ["archive_damaged"]]
    source.close()
    place.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="archive: "):
        open_archive(place)


HEAD = Head(1, "2026-01-01T00:00:00Z", "somebody")


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
