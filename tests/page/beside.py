"""A worker with its page as a process beside the tests, with something of all that there can be in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.accounts import Caller, calling
from tests.markers.marks import KEYS, PHONE, TOKENS, VALUE, Heard
from tests.migration.examples import awaiting_code, keys_of, paired_creds, text_of, unpaired_creds
from tests.page.browser import Tab
from tests.ports import free_port
from tests.process import WorkerProcess

OPERATOR, VIEWER = TOKENS["admin"], TOKENS["view"]

IDS = [f"3f0a9c12-7be4-4d51-9f3e-0c1d2e3f4a{number:02x}" for number in range(60)]
"""Names as Evolution API makes them."""

REFUSED, CHANGED, WELL, WAITING, DROPPED = "lost & found", "support", "sales", "Loja São", "test-7"


class WorkerWithPage(WorkerProcess):
    """It has a port more, for the page."""

    def __init__(self, store: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        """Prepare it with a token for each role."""
        self.page_port = free_port()
        ours = {
            "SESSIONWORKER_UI_LISTEN": f"tcp:{self.page_port}:interface=127.0.0.1",
            "SESSIONWORKER_ADMIN_TOKEN": OPERATOR,
            "SESSIONWORKER_VIEW_TOKEN": VIEWER,
        }
        super().__init__(store, *options, environment={**ours, **(environment or {})}, token=TOKENS["api"])

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End it, and see that nothing secret is in what it logged."""
        heard = Heard()
        heard.note("the log", self.output.encode())
        super().__exit__(kind, error, trace)
        assert error is not None or heard.found() == []

    @property
    def origin(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.page_port}"

    def fill(self) -> None:
        """Have an instance in each state that the page tells apart, and leave one in the trash."""
        with calling(self) as caller:
            for group in ("codechat", "evolution"):
                _make(caller, "", {"group": group})
            for name in (REFUSED, CHANGED, WELL, WAITING, DROPPED):
                _make(caller, "codechat", {"instance": name})
            for name in IDS:
                _make(caller, "evolution", {"instance": name})
            keys = {**keys_of(), **{key: {"value": VALUE} for key in KEYS}}
            _write(caller, "codechat", WELL, {"creds": _paired("sales"), **keys})
            _write(caller, "codechat", REFUSED, {"creds": _paired("lost")})
            _write(caller, "codechat", WAITING, {"creds": awaiting_code("waiting")})
            for creds in (_paired("support"), _paired("another", nextPreKeyId=31), _paired("another", nextPreKeyId=61)):
                _write(caller, "codechat", CHANGED, {"creds": creds})
            _write(caller, "codechat", DROPPED, {"creds": _paired("dropped")})
            for name in IDS[:3]:
                _write(caller, "evolution", name, {"creds": _paired(name)})
            _write(caller, "evolution", IDS[3], {"creds": unpaired_creds(IDS[3])})
            status, _ = caller.call("DELETE", f"/session/codechat/{DROPPED}")
            assert status < 300

    def change_identity(self, name: str, group: str = "codechat") -> None:
        """Have somebody pair an instance anew, who was not meant to."""
        with calling(self) as caller:
            _write(caller, group, name, {"creds": _paired(f"not {name}")})

    def break_creds(self) -> None:
        """Start again where the creds of one instance are broken, with all versions of them."""
        self.terminate()
        folder = self.store / "codechat" / REFUSED
        for file in (folder / "creds", *(folder / ".sessionworker" / "versions").iterdir()):
            file.write_bytes(b"{")
        self.start()
        self.wait_until_ready()
        with calling(self) as caller:
            status, _ = caller.call("POST", "/session/codechat", {"instance": REFUSED})
            assert status >= 500


def sign_in(tab: Tab, token: str = OPERATOR, path: str = "/ui/") -> None:
    """Type the token, and be at a page."""
    tab.go(path, status=401)
    tab.page.fill("#token", token)
    tab.page.click("#sign-in button")
    tab.page.wait_for_selector("nav")


def instance(name: str, group: str = "codechat") -> str:
    """Return the path of an instance's page."""
    return f"/ui/instances/{group}/{quote(name, safe='')}"


def _paired(name: str, **others: Any) -> dict[str, Any]:
    return paired_creds(name, PHONE, **{"advSecretKey": VALUE, "platform": "android", **others})


def _make(caller: Caller, group: str, body: dict[str, str]) -> None:
    status, answer = caller.call("POST", f"/session/{group}".rstrip("/"), body)
    assert status < 300, (status, answer)


def _write(caller: Caller, group: str, name: str, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        path = f"/session/{group}/{quote(name, safe='')}/{quote(key, safe='')}"
        status, answer = caller.call("POST", path, {"data": text_of(value).decode()})
        assert status < 300, (path, status, answer)
