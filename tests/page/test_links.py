"""The link that signs in once: who gets one, where it leads, and that it does."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from sessionworker.access import Role, Token
from sessionworker.commands.endings import Code
from sessionworker.web.page_links import is_open_to_readers, url_of
from tests.commands.typed import asked, typed
from tests.daemon.twistd import wait_until
from tests.memory import Worker
from tests.page.visiting import OPERATOR, TOKENS, VIEWER
from tests.ports import free_port
from tests.process import WorkerProcess


@pytest.mark.parametrize(
    ("place", "asked_for", "url"),
    [
        ("tcp:5657:interface=127.0.0.1:backlog=4096", "worker", "http://127.0.0.1:5657"),
        ("tcp:5657", "worker", "http://worker:5657"),
        ("tcp:port=5657:interface=0.0.0.0", "10.0.0.5", "http://10.0.0.5:5657"),
        ("tcp:5657", "[::1]", "http://[::1]:5657"),
        ("tcp:5657", "", "http://127.0.0.1:5657"),
        ("tcp6:5657:interface=\\:\\:1", "worker", "http://[::1]:5657"),
        ("tcp6:5657:interface=\\:\\:", "worker", "http://worker:5657"),
        ("ssl:443:privateKey=/a/key.pem:certKey=/a/b.pem", "worker", "https://worker:443"),
        ("unix:/run/page", "worker", ""),
        ("systemd:domain=INET:index=0", "worker", ""),
    ],
)
def test_where_the_page_is(place: str, asked_for: str, url: str) -> None:
    assert url_of(place, asked_for) == url


@pytest.mark.parametrize(
    ("place", "is_open"),
    [
        ("tcp:5657:interface=127.0.0.1", False),
        ("tcp:5657:interface=localhost", False),
        ("tcp6:5657:interface=\\:\\:1", False),
        ("unix:/run/page", False),
        ("ssl:443:privateKey=/a/key.pem", False),
        ("tcp:5657", True),
        ("tcp6:5657:interface=\\:\\:", True),
        ("tcp:5657:interface=10.0.0.5", True),
        ("tcp:5657:interface=a-name", True),
        ("tcp:5657:interface=[", True),
        ("tcp:5657:interface=\u2100", True),
    ],
)
def test_what_others_can_read(place: str, is_open: bool) -> None:
    assert is_open_to_readers(place) == is_open


@pytest.mark.parametrize(("token", "status"), [(OPERATOR, 200), (VIEWER, 403), ("an-apis-token", 403), ("no", 401)])
def test_who_gets_one(tmp_path: Path, token: str, status: int) -> None:
    with Worker(tmp_path / "store") as worker:
        worker.access.replace(TOKENS)
        answer = worker.ask("POST", "/admin/ui-link", token=token)
        assert answer.status == status
        if status == 200:
            assert answer.json == {"code": "a-code", "url": "http://127.0.0.1:5657"}


def test_whoever_has_the_only_kind_of_token_gets_one(tmp_path: Path) -> None:
    with Worker(tmp_path / "store") as worker:
        worker.access.replace([Token(Role.API, OPERATOR.encode())])
        assert worker.ask("POST", "/admin/ui-link", token=OPERATOR).status == 200
        assert worker.ask("GET", "/admin/ui-link", token=OPERATOR).status == 405


def test_a_command_that_starts_a_worker_has_no_page(tmp_path: Path) -> None:
    done = typed("ui", "--store", tmp_path)
    assert (done.exit_code, "a running worker's" in done.stderr) == (Code.USAGE, True)


class Entered(NamedTuple):
    """What came of a link."""

    status: int
    cookie: str


def looked(port: int, cookie: str) -> int:
    """How the first page is answered."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", "/ui/", headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def sign_in(link: str) -> Entered:
    """Open a link as a browser does: the code is in the fragment, which no request holds."""
    url = urlsplit(link)
    assert url.path == "/ui/login"
    form = urlencode({"code": url.fragment.removeprefix("once=")})
    headers = {"Origin": f"http://{url.netloc}", "Content-Type": "application/x-www-form-urlencoded"}
    with closing(HTTPConnection(url.netloc, timeout=20)) as connection:
        connection.request("GET", url.path)
        assert b'name="code"' in connection.getresponse().read()
        connection.request("POST", url.path, form, headers)
        answer = connection.getresponse()
        return Entered(answer.status, (answer.headers["Set-Cookie"] or "").partition(";")[0])


@pytest.mark.slow
def test_the_command_prints_a_link_that_signs_in_once(tmp_path: Path) -> None:
    port = free_port()
    with WorkerProcess(tmp_path / "store", "--ui-listen", f"tcp:{port}:interface=127.0.0.1") as worker:
        done = asked(worker, "ui")
        assert (done.returncode, "within 60 s" in done.stderr) == (Code.DONE, True)
        [link] = done.stdout.splitlines()
        assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/ui/login#once=[\w-]{{43}}", link)
        assert [sign_in(link).status, sign_in(link).status] == [303, 401]
        at = asked(worker, "--json", "ui", "--at", "https://ops.example/a/ui/")
        assert json.loads(at.stdout)["link"].startswith("https://ops.example/a/ui/login#once=")
        assert link.rpartition("=")[2] not in worker.output
        assert worker.output.count("[link_made]") == 2


@pytest.mark.slow
def test_a_new_token_ends_what_was_opened_with_the_old_ones(tmp_path: Path) -> None:
    port, admins = free_port(), tmp_path / "admins"
    admins.write_text("the-first-one\n")
    options = ["--ui-listen", f"tcp:{port}:interface=127.0.0.1", "--admin-token-file", str(admins)]
    with WorkerProcess(tmp_path / "store", *options) as worker:
        link, late = (asked(worker, "--token-file", admins, "ui").stdout.strip() for _ in range(2))
        cookie = sign_in(link).cookie
        assert looked(port, cookie) == 200
        os.kill(worker.pid, signal.SIGHUP)  # nothing is new: who is signed in stays so
        wait_until(lambda: "[tokens_read_again]" in worker.output)
        assert looked(port, cookie) == 200
        admins.write_text("the-second-one\nthe-first-one\n")
        os.kill(worker.pid, signal.SIGHUP)
        wait_until(lambda: worker.output.count("[tokens_read_again]") == 2)
        assert looked(port, cookie) == 401
        assert sign_in(late).status == 401


@pytest.mark.slow
def test_a_worker_without_a_page_says_so(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "store", "--ui-listen", "off") as worker:
        done = asked(worker, "ui")
        assert (done.returncode, done.stdout) == (Code.FAILED, "")
        assert "--ui-listen" in done.stderr
