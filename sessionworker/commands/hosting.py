"""A worker of the command's own, on a store whose worker does not run: so there is one way through for all commands."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.endpoints import quoteStringArgument

from sessionworker.checks import DatabaseAddress
from sessionworker.commands.endings import Code, Stop
from sessionworker.commands.given import OURS
from sessionworker.options import KEY_VARIABLE, MANY, OPTIONS, TOKEN_VARIABLES, WEBHOOK_SECRET_VARIABLE

POLL_SECONDS = 0.02

START_SECONDS = 300.0
"""After which a worker is given up that does not listen: to bring a long journal into its files takes a while."""

PR_SET_PDEATHSIG = 1
"""See prctl(2)."""

_IN_USE = "is in use by another worker"


@contextmanager
def worker_on(place: Path | DatabaseAddress, keys: Path | None) -> Iterator[tuple[Path, str]]:
    """Run a worker on a store, and give its socket and a token, which opens all. Raises Stop where it does not start.

    It lets go of nothing that the store's own worker would keep, and has none of that one's settings but the keys.
    """
    if isinstance(place, Path):
        _check(place)
    with TemporaryDirectory(prefix="sessionworker-", ignore_cleanup_errors=True) as name:
        private = Path(name)
        token = secrets.token_urlsafe(32)
        token_file = private / "token"
        token_file.touch(mode=0o600)
        token_file.write_text(token)
        socket_ = private / "socket"
        log = private / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*_command(private, keys)],
                env=_environment(place, is_with_keys=keys is not None),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the command, which ends it then
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - no thread runs yet
            )
        try:
            _wait_for(process, socket_, log)
            yield socket_, token
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()  # all that was acknowledged gets into its files


def _check(folder: Path) -> None:
    """Raise Stop, unless there is a store, which a worker would make, and it is this user's: it gets new files."""
    try:
        owner = (folder / OURS).stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        raise Stop(f"There is no store in {folder}.", Code.NO_WORKER) from None
    except OSError as error:
        raise Stop(f"The store {folder} cannot be used: {error.strerror}.", Code.NO_WORKER) from None
    if os.geteuid() == 0 and owner != 0:
        raise Stop(f"The store {folder} is another user's. Run this as that one: sudo -u '#{owner}' ...")


def _command(private: Path, keys: Path | None) -> Iterator[str]:
    yield from (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")
    yield from ("--nodaemon", "--pidfile=", "sessionworker")
    yield from ("--listen", f"unix:{quoteStringArgument(str(private / 'socket'))}:mode=600")
    yield from ("--token-file", str(private / "token"), "--log-format", "json")
    yield from ("--ui-listen", "off")
    for kept in ("versions", "hours", "days", "drops"):
        yield from (f"--keep-{kept}", str(MANY))
    if keys is not None:
        yield from ("--encryption-key-file", str(keys))


def _environment(place: Path | DatabaseAddress, *, is_with_keys: bool) -> dict[str, str]:
    """Return this process's variables without a worker's own. An address is among them, for it may hold a password."""
    ours = {option.variable for option in OPTIONS} | {"HTTP_LOGS", WEBHOOK_SECRET_VARIABLE}
    secret = set(TOKEN_VARIABLES.values()) | ({KEY_VARIABLE} if is_with_keys else set())
    ours |= secret | {f"{variable}_FILE" for variable in secret}
    if not is_with_keys:
        ours.discard(f"{KEY_VARIABLE}_FILE")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "SESSIONWORKER_STORE": place.text if isinstance(place, DatabaseAddress) else str(place)}


def _end_with_parent() -> None:
    """Have the worker told to stop where the command is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _wait_for(process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    """Return when a worker listens. Raises Stop where it ends instead, or takes too long: it is killed then."""
    until = time.monotonic() + START_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as asking, suppress(OSError):
            asking.connect(str(path))
            return
        if process.poll() is not None:
            reason = _reason(log.read_text(errors="replace"))
            raise Stop(reason, Code.IN_USE if _IN_USE in reason else Code.NO_WORKER)
        if time.monotonic() >= until:
            process.kill()  # nobody has been told anything by it yet
            said = last_said(log.read_text(errors="replace"))
            raise Stop(
                f"The worker that was started on the store does not listen after {START_SECONDS:g} s. {said}",
                Code.NO_WORKER,
            )
        time.sleep(POLL_SECONDS)


def last_said(log: str) -> str:
    """Return the last line of a worker's log, in a sentence."""
    lines = log.split("\n")[:-1]  # what stands behind the last end of a line is half a one
    if not lines:
        return "It has logged nothing."
    with suppress(ValueError, KeyError, TypeError):  # what somebody else printed
        return f"Its last line is: {json.loads(lines[-1])['message']}"
    return f"Its last line is: {lines[-1]}"


def _reason(log: str) -> str:
    """Return why a worker did not start, by what it said."""
    said = ""
    for line in log.splitlines():
        if line.startswith("sessionworker: "):
            said = line.removeprefix("sessionworker: ")
        elif line.startswith("{"):
            with suppress(ValueError):  # what somebody else printed
                entry = json.loads(line)
                said = entry["message"] if entry.get("level") == "critical" else said
    return said or "No worker could be started on the store, and it does not say why."
