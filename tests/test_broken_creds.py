"""`creds` broken behind the worker's back: the real client gets its own identity back, or is refused at create.

What must never happen is a fresh identity: the client would save it over the old one, and a number would go offline.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from tests.process import NODE_PROGRAMS, NodeProgram, WorkerProcess
from tests.tools import show_figure

RECONNECT = NODE_PROGRAMS / "reconnect.mjs"
GROUP = "accounts"
BYSTANDER = "bystander"
"""An account that nothing is done to."""


def truncate(file: Path, keep: float) -> None:
    os.truncate(file, int(file.stat().st_size * keep))


def cut_off_the_last_byte(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def replace_by(file: Path, value: bytes) -> None:
    file.write_bytes(value)


def fill_with_nuls(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def replace_by_full_folder(file: Path) -> None:
    replace_by_folder(file)
    (file / "something").write_text("{}")


def replace_by_link_to_another_account(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.parent.parent / BYSTANDER / "creds")


def replace_by_link_to_nothing(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def replace_by_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def make_unreadable(file: Path) -> None:
    """Opening a socket's file fails for everybody, root included, whom mode bits do not stop (open(2), ENXIO)."""
    file.unlink()
    with chdir(file.parent), socket.socket(socket.AF_UNIX) as unused:  # its path may be too long for a socket's address
        unused.bind(file.name)
    with pytest.raises(OSError, match="No such device or address"):
        file.read_bytes()


FAULTS: dict[str, Callable[[Path], None]] = {
    "truncated": lambda file: truncate(file, 0.5),
    "truncated-by-a-byte": cut_off_the_last_byte,
    "emptied": lambda file: truncate(file, 0),
    "nuls": fill_with_nuls,
    "null": lambda file: replace_by(file, b"null"),
    "array": lambda file: replace_by(file, b"[]"),
    "not-text": lambda file: replace_by(file, b"\xff\xfe"),
    "folder": replace_by_folder,
    "full-folder": replace_by_full_folder,
    "link-to-another-account": replace_by_link_to_another_account,
    "link-to-nothing": replace_by_link_to_nothing,
    "pipe": replace_by_pipe,
    "unreadable": make_unreadable,
    "removed": Path.unlink,
}


pytestmark = pytest.mark.usefixtures("node_client")


@pytest.fixture
def client(worker: WorkerProcess) -> Iterator[NodeProgram]:
    """Paired accounts, one for each fault, named after it, and one more."""
    with NodeProgram(RECONNECT, worker.url, worker.token, BYSTANDER, *FAULTS) as program:
        program.wait_for("paired")
        yield program


def creds_of(worker: WorkerProcess, instance: str) -> Path:
    return worker.store / GROUP / instance / "creds"


def bring_into_files(worker: WorkerProcess) -> None:
    """Have the worker write its files now, not within seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=20)
    connection.request("POST", "/admin/checkpoint", headers={"apikey": worker.token})
    assert connection.getresponse().status == 204
    connection.close()


def restart(worker: WorkerProcess) -> None:
    assert worker.terminate() == 0
    worker.start()
    worker.wait_until_ready()


def break_creds(worker: WorkerProcess) -> None:
    for name, make_fault in FAULTS.items():
        make_fault(creds_of(worker, name))


def break_versions(worker: WorkerProcess) -> None:
    for name in FAULTS:
        versions = list((worker.store / GROUP / name / ".sessionworker" / "versions").iterdir())
        assert versions
        for version in versions:
            version.write_bytes(b"")


def reconnect(client: NodeProgram) -> dict[str, str]:
    client.go_on()
    verdicts: dict[str, str] = client.result()
    assert verdicts.keys() == {BYSTANDER, *FAULTS}
    assert verdicts[BYSTANDER] == "own"
    return verdicts


def show(verdicts: dict[str, str], when: str) -> None:
    counts = Counter(verdict for name, verdict in verdicts.items() if name != BYSTANDER)
    show_figure(
        f"creds broken in {len(FAULTS)} ways, {when}: own identity back {counts['own']}, refused at create "
        f"{counts['refused']}, fresh identities {counts['fresh']}"
    )


def assert_every_file_is_good_again(worker: WorkerProcess) -> None:
    """What the client saved after it came back is in a plain file, and it survives a restart."""
    restart(worker)
    for name in FAULTS:
        file = creds_of(worker, name)
        assert file.is_file(), name
        assert not file.is_symlink(), name
        assert json.loads(file.read_bytes())["me"]["name"] == name


@pytest.mark.parametrize("when", ["worker running", "worker restarted", "worker killed and restarted"])
def test_a_client_whose_creds_were_broken_gets_its_own_identity_back(
    worker: WorkerProcess, client: NodeProgram, when: str
) -> None:
    bring_into_files(worker)
    if when == "worker running":
        break_creds(worker)
    else:
        worker.kill() if "killed" in when else worker.terminate()
        break_creds(worker)
        worker.start()
        worker.wait_until_ready()
    verdicts = reconnect(client)
    assert verdicts == dict.fromkeys(verdicts, "own")
    assert_every_file_is_good_again(worker)
    assert reconnect(client) == verdicts
    show(verdicts, when)


def test_a_worker_that_runs_needs_no_older_version_to_give_back_what_it_knows(
    worker: WorkerProcess, client: NodeProgram
) -> None:
    bring_into_files(worker)
    break_versions(worker)
    break_creds(worker)
    verdicts = reconnect(client)
    assert verdicts == dict.fromkeys(verdicts, "own")
    assert_every_file_is_good_again(worker)
    assert reconnect(client) == verdicts
    show(verdicts, "worker running, every older version broken too")


def test_a_client_is_refused_at_create_where_no_good_version_is_left(
    worker: WorkerProcess, client: NodeProgram
) -> None:
    assert worker.terminate() == 0
    break_versions(worker)
    break_creds(worker)
    worker.start()
    worker.wait_until_ready()
    verdicts = reconnect(client)
    assert verdicts == {BYSTANDER: "own"} | dict.fromkeys(FAULTS, "refused")
    assert reconnect(client) == verdicts, "asking again does not make it pass"
    restart(worker)
    assert reconnect(client) == verdicts, "nor does a restart"
    show(verdicts, "worker restarted, every older version broken too")


def test_a_client_comes_back_once_a_person_put_good_creds_into_the_place(
    worker: WorkerProcess, client: NodeProgram, tmp_path: Path
) -> None:
    """Refusing is not for ever: a file from a backup ends it, without a restart."""
    assert worker.terminate() == 0
    backup = tmp_path / "backup"
    shutil.copytree(worker.store / GROUP, backup)
    break_versions(worker)
    break_creds(worker)
    worker.start()
    worker.wait_until_ready()
    assert set(reconnect(client).values()) == {"own", "refused"}
    for name in FAULTS:
        place = creds_of(worker, name)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        shutil.copyfile(backup / name / "creds", place)
    verdicts = reconnect(client)
    assert verdicts == dict.fromkeys(verdicts, "own")
