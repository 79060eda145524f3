"""`sessionworker copy` as an operator types it."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sessionworker.commands.main import main
from sessionworker.keys import read_keys
from sessionworker.stores.seal import KEY_BYTES
from tests.contract.words import CREDS, SUPPORT, commit, create, creds, write
from tests.copying.ends import FileEnd, Make, PostgresEnd, everything_of, small
from tests.process import WorkerProcess

LINES = [b64encode(bytes([number]) * KEY_BYTES).decode() for number in (1, 2)]


def copy(*words: object, **environment: str) -> Result:
    """Run the command; no traceback comes of it, and no password."""
    unset = {"SESSIONWORKER_ENCRYPTION_KEY": None, "SESSIONWORKER_ENCRYPTION_KEY_FILE": None}
    result = CliRunner(env={**unset, **environment}).invoke(main, ["copy", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    passwords = [str(word).split("@")[0].rpartition(":")[2] for word in words if "@" in str(word)]
    assert not any(password in result.output + result.stderr for password in passwords)
    return result


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(LINES[0])
    return path


def test_it_says_how_much_there_is_on_both_sides(make: Make) -> None:
    source, target = small(make("files")), make("postgres")
    done = copy(source.address, target.address)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].split() == ["source", "target"]
    assert ["session", "files", "2", "2"] in [line.split() for line in done.stdout.splitlines()]
    assert "The target is whole, and equal to the source." in done.stdout
    assert "Session files" in done.stderr
    assert everything_of(target) == everything_of(source)


def test_its_result_is_there_for_programs(make: Make) -> None:
    done = copy("--json", small(make("postgres")).address, make("files").address)
    result = json.loads(done.stdout)
    assert result["source"] == result["target"]
    assert (result["source"]["instances"], result["source"]["versions"], len(result["source"]["digest"])) == (1, 2, 64)
    assert (result["written"], result["equal"], result["removed"], result["is_finished"]) == (1, 0, 0, True)


def test_the_target_has_the_keys_that_it_is_given(make: Make, key_file: Path, tmp_path: Path) -> None:
    plain = small(make("files"))
    sealed, other, plain_again = make("postgres"), make("files"), make("postgres")
    assert copy(plain.address, sealed.address, SESSIONWORKER_ENCRYPTION_KEY_FILE=str(key_file)).exit_code == 0
    assert isinstance(plain, FileEnd)
    assert not (plain.folder / ".sessionworker" / "seals").exists()  # nobody said of the source that it has a key
    (tmp_path / "others").write_text(LINES[1])
    words = ("--keys", key_file, "--target-keys", tmp_path / "others")
    assert copy(sealed.address, other.address, *words).exit_code == 0
    done = copy(other.address, plain_again.address, "--target-plain", SESSIONWORKER_ENCRYPTION_KEY=LINES[1])
    assert done.exit_code == 0
    before = everything_of(plain)
    for end, text in ((sealed, LINES[0]), (other, LINES[1]), (plain_again, "")):
        end.ring = read_keys(text, "") if text else None
        assert everything_of(end) == before
    assert isinstance(other, FileEnd)
    assert not any("sales" in name for name in other.names())


def test_what_cannot_be_read_is_named_and_the_status_is_1(make: Make) -> None:
    source, target = make("postgres"), make("files")
    assert isinstance(source, PostgresEnd)
    worker = source.worker()
    create(worker, CREDS, SUPPORT)
    commit(worker, write(CREDS, creds(1)), write(SUPPORT, creds(1, 2)))
    worker.close()
    source.execute("UPDATE {instance} SET has_creds = true")
    source.execute("DELETE FROM {session_file} WHERE instance = (SELECT id FROM {instance} WHERE name = 'sales')")
    source.execute("DELETE FROM {creds_version} WHERE instance = (SELECT id FROM {instance} WHERE name = 'sales')")
    done = copy(source.address, target.address)
    assert done.exit_code == 1
    assert "Not copied: instance 'sales' in group 'codechat': its creds are broken, and no older version" in done.stderr
    assert "The copy is not finished" in done.stderr
    assert copy("--without-broken", source.address, target.address).exit_code == 0
    assert everything_of(target)["codechat"] == ["support"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("SOURCE", "SOURCE"), "the same store"),
        (("SOURCE", "SOURCE/codechat"), "lies in the other one"),
        (("nowhere", "EMPTY"), "There is no store in nowhere: No such file or directory."),
        (("EMPTY", "TARGET"), "There is nothing in"),
        (("http://host", "TARGET"), "A store is a folder, or a database"),
        (("SOURCE", "postgresql://user:geheim@127.0.0.1:1/x"), "The database cannot be used: it cannot be reached"),
        (("SOURCE", "postgresql://user:ge@heim@127.0.0.1:1/x"), "The store's address is not as libpq reads it"),
        (("postgresql://user:geheim@127.0.0.1:1/x", "EMPTY"), "The database cannot be used: it cannot be reached"),
        (("DATABASE", "EMPTY"), "there are no tables"),
        (("--keys", "nowhere", "SOURCE", "EMPTY"), "The key file (not shown"),
        (("--target-plain", "--target-keys", "x", "SOURCE", "EMPTY"), "exclude each other"),
        (("SOURCE", "SOURCE/codechat/sales/creds"), "lies in the other one"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(make: Make, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    source, target = small(make("files")), make("postgres")
    assert isinstance(source, FileEnd)
    before = source.names()
    (tmp_path / "empty").mkdir()
    given = {"SOURCE": source.address, "TARGET": target.address, "DATABASE": make("postgres").address}
    given["EMPTY"] = str(tmp_path / "empty")
    typed = [given.get(word.split("/")[0], word.split("/")[0]) + word[len(word.split("/")[0]) :] for word in words]
    done = copy(*typed)
    assert done.exit_code > 0
    assert said in done.stderr
    assert done.stdout == ""
    assert list((tmp_path / "empty").iterdir()) == []
    assert source.names() == before


def test_a_sealed_source_without_its_key_is_not_copied(make: Make, key_file: Path) -> None:
    for kind in ("files", "postgres"):
        source = make(kind)
        source.ring = read_keys(LINES[0], "")
        small(source)
        done = copy(source.address, make("files").address)
        assert done.exit_code == 1
        assert "The store is encrypted with the key" in done.stderr
        assert LINES[0] not in done.stderr


def test_a_worker_takes_the_mark_of_a_copy_away_and_does_not_start_on_a_part_of_one(make: Make) -> None:
    source, whole, part = small(make("postgres")), make("files"), make("files")
    assert copy(source.address, whole.address).exit_code == 0
    assert isinstance(whole, FileEnd)
    assert isinstance(part, FileEnd)
    assert (whole.folder / ".sessionworker" / "copy").exists()
    with WorkerProcess(whole.folder) as worker:
        assert not (whole.folder / ".sessionworker" / "copy").exists()
        assert worker.terminate() == 0
    target = part.target()
    target.begin()
    target.close()
    refused = WorkerProcess(part.folder)
    refused.start()
    assert refused.wait_until_ended() == 1
    assert "holds a part of a copy: 'sessionworker copy' was ended before it had all" in refused.output
    refused.close()
