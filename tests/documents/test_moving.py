"""Who follows the document on moving word for word gets every account into the worker, and out of it again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import redis

from tests.commands.typed import environment, send
from tests.documents.reading import MOVING, blocks, read
from tests.migration.evolution import BUSINESS, ONE, TWO, Evolution, keys_alone
from tests.migration.examples import account, key_pair, paired_creds, text_of
from tests.migration.filled import on_postgresql
from tests.migration.places import write_fixed
from tests.migration.reading import in_strings
from tests.postgres.server import Server
from tests.process import WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

NUMBERS = {ONE: "5511999999999", TWO: "5511888888888"}
NEWER = {"creds": paired_creds(nextPreKeyId=40), "pre-key-39": key_pair("39")}
"""What an API writes once it has the worker: keys go on, and what is in the old store is old then."""


class Walk(NamedTuple):
    """A machine with two installations of Evolution, and a worker."""

    folder: Path
    worker: WorkerProcess
    version_2: Evolution
    schema: str
    server: Server

    @property
    def version_1(self) -> Path:
        return self.folder / "srv" / "evolution-1" / "instances"

    def type(self, block: str, exports: str = "") -> str:
        """Run a block as it stands there, but for places, the token, and the database's name; it has to succeed."""
        named, count = re.subn(r"(?<=--file evolution\.dump )evolution$", "postgres", block, flags=re.MULTILINE)
        assert count == block.count("pg_dump")
        script = f"{exports}{named}".replace("/srv/", f"{self.folder}/srv/")
        script = script.replace("=TOKEN\n", f"={self.worker.token}\n")
        done = subprocess.run(
            [require("bash"), "-euc", script],
            cwd=self.folder / "sessionworker",
            env=environment(
                {
                    "SESSIONWORKER_URL": self.worker.url,
                    "PGHOST": "127.0.0.1",
                    "PGPORT": str(self.server.port),
                    "PGUSER": "postgres",
                    "PGPASSWORD": self.server.room.password,
                    "PATH": f"{self.server.room.programs}/bin:{os.environ['PATH']}",
                }
            ),
            stdin=subprocess.DEVNULL,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kept(self) -> dict[str, bytes]:
        """All that both installations keep, byte for byte, in their own form: rows and files."""
        with psycopg.connect(self.server.url(), options=f"-c search_path={self.schema}") as connection:
            rows = connection.execute('SELECT "sessionId", "creds" FROM "Session"').fetchall()
        folders = {"2": self.version_2.instances, "1": self.version_1}
        return {f"row {id_}": creds.encode() for id_, creds in rows} | {
            f"{version} {path.relative_to(folder)}": path.read_bytes()
            for version, folder in folders.items()
            for path in folder.rglob("*.json")
        }

    def go_on(self, group: str, instance: str) -> None:
        """Have the API write to the worker."""
        for key, value in NEWER.items():
            path = f"/session/{group}/{instance}/{key}"
            assert send(self.worker, "POST", path, {"data": text_of(value).decode()}) == 204


@pytest.fixture
def walk(tmp_path: Path, postgres: Server) -> Iterator[Walk]:
    checkout, folder = tmp_path / "sessionworker", tmp_path / "srv" / "evolution"
    (checkout / ".venv" / "bin").mkdir(parents=True)
    command = checkout / ".venv" / "bin" / "sessionworker"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m sessionworker.commands.main "$@"\n')
    command.chmod(0o755)
    folder.mkdir(parents=True)
    with on_postgresql(postgres) as database, redis.Redis() as nobody, WorkerProcess(tmp_path / "store") as worker:
        [schema] = parse_qs(urlsplit(database.url).query)["schema"]
        quoted = '"' + schema.replace('"', '""') + '"'
        found = Walk(tmp_path, worker, Evolution(database, nobody, "", folder), quoted, postgres)
        for id_, number in NUMBERS.items():
            creds, owner = account(id_, number)["creds"], f"{number}@s.whatsapp.net"
            found.version_2.instance(id_, f"shop {id_}", creds, owner=owner)
            found.version_2.files(id_, keys_alone(id_))
            write_fixed(found.version_1 / number, account(number, number))
        found.version_2.instance(BUSINESS, "never paired", owner=None, status="close")
        found.version_2.env(CACHE_REDIS_ENABLED="false")
        yield found


def test_each_command_as_it_is_written_moves_all_in_and_out_again(walk: Walk) -> None:
    before = walk.kept()
    assert len(before) == 2 * 18 + 2 * 18
    first, *others = blocks(read(MOVING[0]), "sh")  # what is marked "console" changes the machine: no test runs it
    assert "Nothing needs a person." in walk.type(first)
    exports = "".join(f"{line}\n" for line in first.splitlines() if line.startswith("export "))
    told = ""
    for block in others:
        if "export evolution" in block:
            walk.go_on("evolution", ONE)
            walk.go_on("evolution-1", NUMBERS[TWO])
            assert walk.kept() == before, "an API that has the worker, and an import, change nothing of the old store"
        told += walk.type(block, exports)
    assert [line for line in told.splitlines() if re.match(r"\d.*\.$|Nothing", line)] == [
        "3 ready.",
        "2 imported, 1 made empty.",
        "Nothing needs a person.",
        "3 of 3 instances were read: 36 values, 5.3 KiB. 0 of them are not whole.",
        "2 ready.",
        "2 imported.",
        "2 exported, 1 not paired.",
        "2 exported.",
    ]
    changed = in_strings({"creds": text_of(NEWER["creds"])})["creds"]
    of_version_1 = {f"1 {NUMBERS[TWO]}/{key}.json": text_of(value) for key, value in NEWER.items()}
    integration = {f"1 {number}/integration.json": b'{"integration":"WHATSAPP-BAILEYS"}' for number in NUMBERS.values()}
    of_version_2 = {f"row {ONE}": changed, f"2 {ONE}/pre-key-39.json": text_of(NEWER["pre-key-39"])}
    after = walk.kept()
    expected = {**before, **of_version_1, **integration, **of_version_2}
    assert [key for key in {*after, *expected} if after.get(key) != expected.get(key)] == []
    backups = {path.name: path.stat().st_mode & 0o777 for path in (walk.folder / "sessionworker").glob("evolution*")}
    assert backups == dict.fromkeys(("evolution-files.tar.gz", "evolution.dump", "evolution-1.tar.gz"), 0o600)
    report = json.loads((walk.folder / "sessionworker" / "import.json").read_text())
    assert [one["state"] for one in report["accounts"]] == ["imported", "imported", "made empty"]
