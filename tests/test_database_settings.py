"""A database as the store: what may be given, what is said of it, and what never is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sessionworker.checks import DatabaseAddress
from sessionworker.commands.database import main
from sessionworker.errors import StartError
from sessionworker.stores.postgres.address import read_address
from sessionworker.stores.postgres.tables import MIGRATIONS, NAMES
from tests.process import ProcessError, WorkerProcess
from tests.settings import read, refusal

SECRET = "hunter2"
ADDRESS = f"postgresql://worker:{SECRET}@db.example.com:6543/whatsapp"


def address(*arguments: str, **environment: str) -> DatabaseAddress:
    store = read(*arguments, **environment).store
    assert isinstance(store, DatabaseAddress)
    return store


def test_the_store_is_a_folder_or_a_database() -> None:
    assert read("--store", "instances").store == Path("instances")
    for beginning in ("postgresql", "postgres"):
        given = ADDRESS.replace("postgresql", beginning)
        assert address(SESSIONWORKER_STORE=given).text == given
    assert "postgresql://" in refusal("--store", "mysql://localhost/whatsapp")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "address"
    path.write_text(f"\ufeff{ADDRESS}\n")
    return path


def test_an_address_may_be_in_a_file_which_wins_over_a_folder_that_an_image_names(file: Path) -> None:
    for arguments, environment in (
        (["--store-file", str(file)], {}),
        (["--store-file", str(file)], {"SESSIONWORKER_STORE": "postgresql://db.example.com/another"}),
        (["--store-file", str(file)], {"SESSIONWORKER_STORE_FILE": "/nowhere"}),
        ([], {"SESSIONWORKER_STORE_FILE": str(file)}),
        ([], {"SESSIONWORKER_STORE_FILE": str(file), "SESSIONWORKER_STORE": "/data"}),
    ):
        assert address(*arguments, **environment).text == ADDRESS
        assert read(*arguments, **environment).doubts == ()
    found = read("--store", "here", SESSIONWORKER_STORE_FILE=str(file))
    assert found.store == Path("here")


def test_two_databases_at_once_are_refused(file: Path) -> None:
    refused = refusal(SESSIONWORKER_STORE=ADDRESS, SESSIONWORKER_STORE_FILE=str(file))
    assert "SESSIONWORKER_STORE and SESSIONWORKER_STORE_FILE" in refused
    assert "--store and --store-file" in refusal("--store", "here", "--store-file", str(file))


@pytest.mark.parametrize("content", [b"\n", b"/data", SECRET.encode(), f"{ADDRESS} {SECRET}".encode(), b"\xff\xfe"])
def test_a_file_that_holds_something_else_is_refused_and_not_shown(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    refused = refusal(SESSIONWORKER_STORE_FILE=str(file))
    assert refused.startswith("sessionworker: SESSIONWORKER_STORE_FILE: the file must hold one address")
    assert SECRET not in refused


@pytest.mark.parametrize("path", ["/nowhere/at/all", ADDRESS, ADDRESS * 100, f"{ADDRESS}\n"])
def test_an_address_in_the_place_of_its_file_is_refused_and_not_shown(path: str) -> None:
    refused = refusal(SESSIONWORKER_STORE_FILE=path)
    assert refused.startswith("sessionworker: SESSIONWORKER_STORE_FILE: the file cannot be read: ")
    assert SECRET not in refused


def test_a_password_on_the_command_line_is_doubtful_and_elsewhere_it_is_not() -> None:
    for text, is_doubtful in (
        (ADDRESS, True),
        ("postgresql://db.example.com/whatsapp?user=worker&password=x", True),
        ("postgresql://worker@db.example.com:6543/whatsapp", False),
        ("postgresql://db.example.com/whatsapp", False),
    ):
        assert [("password" in doubt) for doubt in read("--store", text).doubts] == [True] * is_doubtful
        assert read(SESSIONWORKER_STORE=text).doubts == ()


def test_fsync_says_nothing_of_a_database() -> None:
    [doubt] = read("--fsync", "never", SESSIONWORKER_STORE=ADDRESS).doubts
    assert "synchronous_commit" in doubt


def test_nothing_shows_a_password_by_accident() -> None:
    settings = read(SESSIONWORKER_STORE=ADDRESS)
    assert SECRET not in repr(settings)
    assert SECRET not in read_address(ADDRESS).shown
    assert read_address(ADDRESS).shown == "postgresql://db.example.com:6543/whatsapp"


def test_a_schema_is_taken_out_of_an_address_and_the_rest_is_left_to_libpq() -> None:
    found = read_address(f"{ADDRESS}?schema=of%20ours&sslmode=require&connect_timeout=7")
    assert found.schema == "of ours"
    assert "sslmode=require" in found.conninfo
    assert "connect_timeout=7" in found.conninfo
    assert "schema" not in found.conninfo
    assert "target_session_attrs=read-write" in found.conninfo
    assert read_address(ADDRESS).schema == "sessionworker"
    assert "password=a+b" in read_address("postgresql://db.example.com/whatsapp?password=a+b&schema=").conninfo


@pytest.mark.parametrize("end", ["?nonsense=1", "%zz"])
def test_what_libpq_does_not_understand_is_refused_without_being_repeated(end: str) -> None:
    with pytest.raises(StartError) as refused:
        read_address(f"{ADDRESS}{end}")
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__


def test_the_script_makes_every_table_and_the_rights_are_of_one_role() -> None:
    printed = CliRunner().invoke(main, ["script", "--schema", 'of "ours"']).output
    assert all(f'"of ""ours""".{name}' in printed for name in NAMES)
    assert printed.count("CREATE TABLE") == sum(map(len, MIGRATIONS)) + 1
    rights = CliRunner().invoke(main, ["rights", 'some"body']).output
    assert 'TO "some""body";' in rights
    assert "ALL TABLES" in rights
    assert "ALL PRIVILEGES" not in rights


@pytest.mark.slow
def test_a_worker_without_the_packages_or_a_token_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError")
    with (
        pytest.raises(ProcessError, match=r"pip install 'sessionworker\[postgresql\]'"),
        WorkerProcess(ADDRESS, environment={"PYTHONPATH": f"{tmp_path}:{':'.join(filter(None, sys.path))}"}),
    ):
        pass


@pytest.mark.slow
def test_a_worker_whose_database_does_not_answer_ends_with_one_line_that_holds_no_password() -> None:
    with (
        pytest.raises(ProcessError, match="The database cannot be used: it cannot be reached") as ended,
        WorkerProcess(f"postgresql://worker:{SECRET}@127.0.0.1:1/whatsapp"),
    ):
        pass
    assert SECRET not in str(ended.value)
    assert "Traceback" not in str(ended.value)
