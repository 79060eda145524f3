"""No token, no encryption key, no value and no phone number is in anything that a worker lets out."""

from __future__ import annotations

import json
import os
import re
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.daemon.twistd import wait_until
from tests.markers.marks import (
    ADDRESS,
    KEY,
    KEYS,
    NEW_VALUE,
    OTHER_KEY,
    PHONE,
    SECRETS,
    SIGNING,
    TOKENS,
    TORN_TOKEN,
    VALUE,
    WRONG_TOKEN,
    Heard,
)
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import show_figure
from tests.webhook.listening import Receiver, receiver

pytestmark = pytest.mark.slow

API, SUPPORT, ADMIN, VIEW = TOKENS.values()
SALES = "/session/codechat/sales"
CREDS = json.dumps({"me": {"id": PHONE}, "noiseKey": VALUE, "signedIdentityKey": {"public": VALUE}})


def key_text(*keys: bytes) -> str:
    return "\n".join(b64encode(key).decode() for key in keys)


class Place:
    """A worker with marks in it, and the files that it is given."""

    def __init__(self, folder: Path, receiver: Receiver, *, by_variables: bool, is_sealed: bool) -> None:
        self.folder = folder
        self.receiver = receiver
        self.heard = Heard()
        self.flag = folder / "failing"
        self.by_variables = by_variables
        self.is_sealed = is_sealed
        self.files = {name: folder / name for name in ("admins", "viewers", "keys", "address", "secret")}
        self.files["admins"].write_text(f"{ADMIN}\n")
        self.files["viewers"].write_text(f"{VIEW}\n")
        self.files["keys"].write_text(key_text(KEY))
        self.files["address"].write_text(f"http://127.0.0.1:{receiver.server_port}/{ADDRESS}")
        self.files["secret"].write_text(SIGNING)
        self.worker = self.make()

    def make(self, keys: Path | None = None) -> WorkerProcess:
        """Prepare a worker on the store, with another key file if one is given."""
        environment = {
            "PYTHONPATH": f"{REPOSITORY}/tests/markers/failing:{REPOSITORY}",
            "FAILING_CALL": str(self.flag),
            "SESSIONWORKER_LOG_FORMAT": "json" if self.by_variables else "text",
        }
        options = ["--http-logs"]
        key_file, admins, viewers = keys or self.files["keys"], self.files["admins"], self.files["viewers"]
        if self.by_variables:
            environment |= {"SESSIONWORKER_ADMIN_TOKEN": ADMIN, "SESSIONWORKER_VIEW_TOKEN": VIEW}
            environment |= {"SESSIONWORKER_WEBHOOK": self.files["address"].read_text()}
            environment |= {"SESSIONWORKER_WEBHOOK_SECRET": SIGNING}
            environment |= {"SESSIONWORKER_ENCRYPTION_KEY": key_file.read_text()} if self.is_sealed else {}
        else:
            options += ["--admin-token-file", str(admins), "--view-token-file", str(viewers)]
            options += [
                "--webhook-file",
                str(self.files["address"]),
                "--webhook-secret-file",
                str(self.files["secret"]),
            ]
            options += ["--encryption-key-file", str(key_file)] if self.is_sealed else []
        worker = WorkerProcess(self.folder / "store", *options, environment=environment)
        worker._token_file.write_text(f"{API}\nsupport:{SUPPORT}\n")
        return worker

    def ask(self, token: str | None, method: str, path: str, body: object = None, **headers: str) -> int:
        return self.heard.ask(self.worker, token, method, path, body, **headers)

    def start(self) -> None:
        self.worker.start()
        self.worker.wait_until_ready(60)

    def refuses_to_start(self, text: str) -> str:
        """Start another worker with other keys, which must not start; return what it says."""
        file = self.folder / "other-keys"
        file.write_text(text)
        other = self.make(file)
        try:
            other.start()
            assert other.wait_until_ended(60) == 1
            self.heard.note("a start that was refused", other.output.encode())
            return other.output
        finally:
            other.close()


@pytest.fixture(
    params=[(False, True), (True, True), (False, False)],
    ids=["by files, log in text", "by variables, log in JSON", "by files, log in text, not encrypted"],
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    by_variables, is_sealed = request.param
    with receiver() as listening:
        place = Place(tmp_path, listening, by_variables=by_variables, is_sealed=is_sealed)
        yield place
        place.worker.close()


def ordinary_work(place: Place) -> None:
    ask = place.ask
    assert ask(API, "POST", "/session", {"group": "codechat"}) == 204
    assert ask(SUPPORT, "POST", "/session/support", {"instance": "help"}) == 204
    assert ask(API, "POST", "/session/codechat", {"instance": "sales"}) == 204
    assert ask(API, "POST", f"{SALES}/creds", {"data": CREDS}) == 204
    assert ask(API, "POST", f"{SALES}/creds", {"data": CREDS.replace(VALUE, NEW_VALUE)}) == 204
    for key in KEYS:
        assert ask(API, "POST", f"{SALES}/{key}", {"data": f'"{VALUE}"'}) == 204
    large = f'"{VALUE * 200_000}"'
    assert ask(API, "POST", f"{SALES}/pre-key-{PHONE}", {"data": large}) == 204
    assert ask(API, "DELETE", f"{SALES}/{KEYS[-1]}") == 200
    assert ask(API, "GET", f"{SALES}/{KEYS[-1]}") == 404
    assert ask(ADMIN, "POST", "/admin/checkpoint") == 204


def looking(place: Place) -> None:
    groups = "/admin/groups/codechat/instances"
    for path in ("overview", "events", "events?after=0", "groups", "drops", "encryption"):
        assert place.ask(VIEW, "GET", f"/admin/{path}") == 200
    assert place.ask(ADMIN, "GET", groups) == 200
    assert place.ask(VIEW, "GET", f"{groups}/sales/versions") in {200, 404}
    assert place.ask(VIEW, "GET", "/metrics") == 200
    assert place.ask(None, "GET", "/health") in {200, 503}
    place.heard.look_at_processes()
    limits = Path(f"/proc/{place.worker.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def refused_requests(place: Place) -> None:
    ask, say = place.ask, place.heard.say
    path = f"{SALES}/{KEYS[0]}"
    for token in (None, WRONG_TOKEN, f"{API}x", API[:-1], API.lower(), f"{API}, {ADMIN}", f"Bearer {API}"):
        assert ask(token, "GET", path, apikeys=ADMIN, Cookie=API) == 401
    assert ask(API, "GET", path, apikey=API) == 401
    assert ask(API, "GET", path, Authorization=f"Bearer {ADMIN}") == 401
    for token in (SUPPORT, ADMIN, VIEW):
        for method in ("GET", "POST", "DELETE", "PUT"):
            assert ask(token, method, path, {"data": f'"{VALUE}"'}) == 403
    for method in ("POST", "DELETE"):
        assert ask(VIEW, method, "/admin/groups/codechat") == 403
    bodies: list[object] = [
        {"data": VALUE},
        {"data": {"x": VALUE}},
        {VALUE: 1},
        VALUE.encode(),
        f'{{"data":"{VALUE}'.encode(),
    ]
    for body in bodies:
        assert ask(API, "POST", path, body) == 400
        assert ask(API, "POST", f"{SALES}/creds", body) == 400
    odd = [
        f"{path}?{API}",
        f"{path}%00",
        f"{path}/..",
        f"{path}%FF",
        f"/{KEYS[0]}",
        f"/session%2F{KEYS[0]}",
        f"{path}{'x' * 300}",
    ]
    for target in (
        *odd,
        f"http://{API}:{VALUE}@worker/{KEYS[0]}",
        f"/{API}/{PHONE}",
    ):
        assert ask(API, "GET", target) in {400, 404}
        assert ask(API, "PATCH", target) in {400, 404, 405}
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\napikey: {API}\r\n"
    for rest in (
        f"{VALUE}\r\n\r\n",
        f"{VALUE} : x\r\n\r\n",
        f"Content-Length: {VALUE}\r\n\r\n",
        f"A: {VALUE * 3000}\r\n\r\n",
    ):
        assert say(place.worker, (head + rest).encode()) == 400
    assert say(place.worker, f"{API} {path} HTTP/9\r\n\r\n".encode()) == 400
    chunks = f"Transfer-Encoding: chunked\r\n\r\n{VALUE}\r\n"
    assert say(place.worker, (head + chunks).encode()) == 400


def read_again(place: Place) -> None:
    """SIGHUP, with files that are right and with some that are not."""
    worker = place.worker
    file = worker._token_file
    before = file.read_text()
    for text, says in (
        (before, "were read again"),
        (f"{TORN_TOKEN}\n", "stay as they were"),
        ("", "stay as they were"),
    ):
        count = worker.output.count(says)
        file.write_text(text)
        os.kill(worker.pid, signal.SIGHUP)
        wait_until(lambda says=says, count=count: worker.output.count(says) > count)  # type: ignore[misc]
    file.write_text(f"{API}\n%FF,{PHONE}:{SUPPORT}\n")
    count = worker.output.count("stay as they were")
    os.kill(worker.pid, signal.SIGHUP)
    wait_until(lambda: worker.output.count("stay as they were") > count)
    file.write_text(before)


def failures(place: Place) -> None:
    """What nobody foresaw: exceptions whose text is all that the call knew."""
    for name in ("read", "rename", "write", "scandir", "pwritev"):
        place.flag.write_text(name)
        for method, key in (("GET", "creds"), ("GET", KEYS[0]), ("GET", f"pre-key-{PHONE}"), ("POST", KEYS[0])):
            place.ask(API, method, f"{SALES}/{key}", {"data": f'"{VALUE}"'} if method == "POST" else None)
        place.ask(API, "POST", f"{SALES}/pre-key-{PHONE}", {"data": f'"{NEW_VALUE * 200_000}"'})
        place.ask(API, "POST", f"{SALES}/creds", {"data": CREDS})
        place.ask(API, "POST", "/session/codechat", {"instance": "other"})
        place.ask(ADMIN, "POST", "/admin/checkpoint")
        place.ask(VIEW, "GET", "/admin/groups/codechat/instances")
        place.flag.unlink()


def broken_files(place: Place) -> None:
    """Rot in every file of the instances, while nobody uses them."""
    store = place.folder / "store"
    for path in [
        path for path in store.rglob("*") if path.is_file() and ".sessionworker/" not in str(path.relative_to(store))
    ]:
        data = path.read_bytes()
        path.write_bytes(data[:50] + VALUE.encode() + data[60:])
    for path in store.glob("*/*/.sessionworker/versions/*"):
        path.write_bytes(f"{VALUE} {PHONE}".encode())
    (store / ".sessionworker" / "events").write_text(f'[{{"number": "{VALUE}"}}]')
    (store / ".sessionworker" / "summary").write_text(VALUE)


def asking_for_what_is_broken(place: Place) -> None:
    place.ask(API, "POST", "/session/codechat", {"instance": "sales"})
    for key in ("creds", *KEYS, f"pre-key-{PHONE}"):
        place.ask(API, "GET", f"{SALES}/{key}")
    place.ask(ADMIN, "POST", "/admin/checkpoint")
    assert place.ask(API, "DELETE", SALES) == 200


def test_nothing_secret_comes_out_of_a_worker_whatever_happens_to_it(place: Place) -> None:
    heard, worker = place.heard, place.worker
    place.start()
    parts: list[Callable[[Place], None]] = [ordinary_work, looking, refused_requests, read_again, failures, looking]
    for part in parts:
        part(place)
    if not place.by_variables:
        heard.look_at_variables(worker)
    assert f"/proc/{worker.pid}/cmdline" in [what for what, _ in heard._heard]
    assert place.ask(ADMIN, "POST", "/admin/checkpoint") == 204
    assert place.ask(API, "POST", f"{SALES}/{KEYS[0]}", {"data": f'"{NEW_VALUE}"'}) == 204
    worker.kill()  # with that in the journal alone
    wrong = (key_text(OTHER_KEY), key_text(OTHER_KEY)[:-3], f"{KEY.decode()}\n", key_text(KEY, KEY), "", VALUE)
    for text in wrong if place.is_sealed else ():
        said = place.refuses_to_start(text)
        assert "did not foresee" not in said
    place.start()
    assert "did not end cleanly" in worker.output
    assert worker.terminate(60) == 0
    broken_files(place)
    place.start()
    asking_for_what_is_broken(place)
    looking(place)
    assert place.ask(ADMIN, "DELETE", "/admin/groups/codechat") == 200
    assert worker.terminate(60) == 0
    heard.note("the log", worker.output.encode())
    assert {"instance_dropped", "group_dropped"} <= {event["event"] for event in place.receiver.events}
    for _, headers, body in place.receiver.got:
        heard.note("an event that was sent", json.dumps(headers).encode() + b"\n" + body)
    assert worker.output.count("did not foresee") > 3  # failures were said, and so could have told something
    assert {200, 204, 400, 401, 403, 404, 500} <= set(heard.statuses)
    assert heard.values > 3
    assert heard.found() == []
    lines, answers = worker.output.count("\n"), sum(heard.statuses.values())
    spellings = sum(map(len, SECRETS.values()))
    show_figure(
        f"marks: {spellings} spellings of {len(SECRETS)} secrets in none of {heard.size / 2**20:.1f} MiB that came out "
        f"({answers} answers, {lines} lines of log, and what everybody sees of each process)"
    )
