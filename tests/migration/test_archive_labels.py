"""What people call an account goes into an archive and out of it, and never is a reason for it not to arrive."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from sessionworker.migration.archives.encryption import Lock, Unlock
from sessionworker.migration.archives.reading import Reader
from sessionworker.migration.archives.records import ArchiveError, Head, Sum, Total, encode
from sessionworker.migration.archives.writing import writing_file
from sessionworker.migration.sources.archive import open_archive
from tests.commands.typed import typed
from tests.migration.examples import account
from tests.migration.places import codes, differing

SALES = account("sales", "5511999999999")
LABEL = "Loja São 🔑"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """One with an account that has a label, and another one that has none."""
    place = tmp_path / "archive"
    with writing_file(place, Lock(), is_compressed=False) as writer:
        writer.add("g", "sales", SALES, LABEL)
        writer.add("g", "new", {})
        writer.finish()
    return place


def labels_in(place: Path) -> dict[str, str | None]:
    with Reader(place, Unlock()) as reader:
        found = list(reader.instances())
    assert all(one.is_whole for one in found)
    return {one.name: one.label for one in found}


def test_a_label_comes_back_with_its_account(archive: Path) -> None:
    assert labels_in(archive) == {"sales": LABEL, "new": ""}
    assert {one.name: one.label for one in open_archive(archive).accounts()} == {"sales": LABEL, "new": ""}


class OldSum(Struct, frozen=True, tag="instance", tag_field="record"):
    """As a version had it that knew no labels."""

    group: str
    instance: str
    keys: int
    bytes: int
    sha256: str


class OldEnd(Struct, frozen=True, tag="end", tag_field="record"):
    """As that version had it."""

    instances: int
    keys: int
    bytes: int
    sha256: str


def test_a_version_that_knows_no_labels_reads_all_else(archive: Path) -> None:
    first, *lines, last = archive.read_bytes().splitlines()
    assert msgspec.json.decode(first, type=Head).form == 1
    sums = [msgspec.json.decode(line, type=OldSum) for line in lines if b'"record":"instance"' in line]
    digest = sha256(b"".join(map(msgspec.json.encode, sums))).hexdigest()
    keys, size = len(SALES), sum(map(len, SALES.values()))
    assert msgspec.json.decode(last, type=OldEnd) == OldEnd(2, keys, size, digest)


def test_an_archive_without_labels_is_as_it_was_before_there_were_any(archive: Path) -> None:
    new = next(line for line in archive.read_bytes().splitlines() if b'"new"' in line)
    assert new == msgspec.json.encode(msgspec.json.decode(new, type=OldSum))


def test_a_byte_of_a_label_that_was_changed_is_seen_and_the_account_is_whole(archive: Path, tmp_path: Path) -> None:
    data, changed = archive.read_bytes(), tmp_path / "changed"
    beginning = data.index(b',"label":')
    seen = 0
    for position in range(beginning, data.index(b"}", beginning)):
        for bit in (1, 2, 16):
            changed.write_bytes(data[:position] + bytes([data[position] ^ bit]) + data[position + 1 :])
            try:
                found = labels_in(changed)
            except ArchiveError:
                continue  # it is no JSON any more
            assert found == {"sales": None, "new": ""}, (position, bit)
            seen += 1
    assert seen > 100


def test_an_account_of_which_the_label_alone_is_damaged_is_taken_without_it(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes().replace(LABEL.encode(), b"Loja Norte"))
    source = open_archive(archive)
    sales, new = source.accounts()
    assert [(sales.label, codes(sales.notes)), (new.label, codes(new.notes))] == [("", ["label_damaged"]), ("", [])]
    assert not differing(source.read(sales).values, SALES)
    source.close()
    done = typed("verify", archive)
    assert "g/sales: its label is damaged; the account is whole." in done.output
    assert done.exit_code == 1


def test_a_label_that_was_moved_to_another_account_is_seen(tmp_path: Path, archive: Path) -> None:
    first, *lines = archive.read_bytes().splitlines()
    sums = [msgspec.json.decode(line, type=Sum) for line in lines if b'"record":"instance"' in line]
    sales, new = sums
    moved = msgspec.structs.replace(new, label=sales.label, label_sha256=sales.label_sha256)
    total = Total()
    total.add(moved)
    (tmp_path / "moved").write_bytes(b"\n".join((first, encode(moved), encode(total.end))) + b"\n")
    assert labels_in(tmp_path / "moved") == {"new": None}


def test_verify_lists_labels(archive: Path) -> None:
    done = typed("verify", archive, "--list")
    assert done.output.splitlines()[:2] == [f"g/sales ({LABEL})", "g/new"]
    told = msgspec.json.decode(typed("--json", "verify", archive).output)
    assert (told["labels"], told["damagedLabels"]) == ({"g/sales": LABEL}, [])


def test_one_that_was_whole_and_is_not_any_more_is_not_given_whatever_its_label_is(archive: Path) -> None:
    data = archive.read_bytes().replace(LABEL.encode(), b"Loja Norte")
    archive.write_bytes(data)
    source = open_archive(archive)
    [sales, _] = source.accounts()
    archive.write_bytes(data.replace(b"5511999999999", b"5511999999998"))
    with pytest.raises(Exception, match="has changed meanwhile"):
        source.read(sales)
    source.close()
