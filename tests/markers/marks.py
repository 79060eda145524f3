"""The marks, and what is looked for them in."""

from __future__ import annotations

import json
import os
import socket
from base64 import b64encode
from collections import Counter
from pathlib import Path
from urllib.parse import quote

from tests.answers import read_answers
from tests.daemon.twistd import PATIENCE, read_to_end
from tests.memory import request
from tests.process import WorkerProcess

TOKENS = {"api": "MARK1-api", "support": "MARK2-support", "admin": "MARK3-admin", "view": "MARK4-view"}
WRONG_TOKEN, TORN_TOKEN = "MARK5-wrong", "MARK6-to\trn"
KEY, OTHER_KEY = b"MARK7-encryption-key-32-bytes-..", b"MARK8-another-key-of-32-bytes-.."
VALUE, NEW_VALUE = "MARK9-noiseKey", "MARK10-noiseKey"
ADDRESS, SIGNING = "MARK11-address", "MARK12-signing"
PHONE = "5511987654321"
KEYS = [f"session-{PHONE}.0", f"sender-key-{PHONE}@g.us::{PHONE}_1::0", f"lid-mapping-{PHONE}", f"odd/{PHONE}"]
"""Of an account: their names hold a phone number."""


def forms(secret: bytes) -> set[bytes]:
    """How a secret may be written."""
    text = secret.decode("latin-1")
    odd = {repr(secret)[2:-1], repr(text)[1:-1], json.dumps(text)[1:-1], quote(text), secret.hex()}
    return {secret, b64encode(secret), b64encode(secret).rstrip(b"="), *(form.encode() for form in odd)}


SECRETS: dict[str, set[bytes]] = {
    **{f"the token '{name}'": forms(token.encode()) for name, token in TOKENS.items()},
    "a wrong token": forms(WRONG_TOKEN.encode()),
    "a token that is none": forms(TORN_TOKEN.encode()),
    "the encryption key": forms(KEY),
    "another encryption key": forms(OTHER_KEY),
    "the address of events": forms(ADDRESS.encode()),
    "the secret of events": forms(SIGNING.encode()),
    "a value": forms(VALUE.encode()) | forms(NEW_VALUE.encode()),
    "a phone number": forms(PHONE.encode()),
}


ASKED_FOR = "a value that was asked for, with the right token"
OF_ACCOUNTS = ("a value", "a phone number")
"""What such an answer holds; it holds no token, and no encryption key."""


class Heard:
    """All that came out of a worker."""

    def __init__(self) -> None:
        self._heard: list[tuple[str, bytes]] = []
        self.statuses: Counter[int] = Counter()

    def note(self, what: str, said: bytes) -> None:
        """Keep something that came out."""
        self._heard.append((what, said))

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(len(said) for _, said in self._heard)

    def found(self) -> list[str]:
        """What is secret and came out all the same, and where."""
        return [
            f"{name} in {what}: {line!r}"
            for what, said in self._heard
            for line in said.splitlines()
            for name, written in SECRETS.items()
            if any(form in line for form in written) and not (what == ASKED_FOR and name in OF_ACCOUNTS)
        ]

    @property
    def values(self) -> int:
        """How many answers held a value that was asked for."""
        return sum(what == ASKED_FOR for what, _ in self._heard)

    def ask(
        self, worker: WorkerProcess, token: str | None, method: str, path: str, body: object = None, **headers: str
    ) -> int:
        """Ask a worker something, keep its answer, and return the status."""
        more = [("Connection", "close"), *headers.items()]
        return self.say(worker, request(method, path, body, token=token, headers=more), method)

    def say(self, worker: WorkerProcess, data: bytes, *methods: str) -> int:
        """Send bytes to a worker, keep what comes back, and return the last status; 0 for none."""
        with socket.create_connection(("127.0.0.1", worker.port), timeout=PATIENCE) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = read_to_end(connection)
        answers = read_answers(received, methods)
        is_value = data.startswith(b"GET /session/") and [answer.status for answer in answers] == [200]
        self.note(ASKED_FOR if is_value else f"the answer to {data[:60]!r}", received)
        self.statuses.update(answer.status for answer in answers)
        return answers[-1].status if answers else 0

    def look_at_processes(self) -> None:
        """Keep what everybody on the machine sees of every process."""
        for path in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "comm", "status"):
                try:
                    self.note(str(path / name), (path / name).read_bytes())
                except OSError:
                    continue  # it has ended meanwhile

    def look_at_variables(self, worker: WorkerProcess) -> None:
        """Keep what root, and for a process whose memory may be dumped its user, sees of a worker's variables."""
        try:
            self.note("its variables", Path(f"/proc/{worker.pid}/environ").read_bytes())
        except PermissionError:
            assert os.geteuid() != 0
