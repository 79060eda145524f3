"""The page below a path of a real proxy, as its document has it: nothing has to be set in the worker for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest

from tests.commands.typed import send
from tests.deployment.proxies import running
from tests.documents.reading import blocks, read
from tests.ports import free_port
from tests.process import WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

[NGINX] = blocks(read("docs/page.md"), "nginx")

CADDY = """
handle_path /worker/* {
	reverse_proxy 127.0.0.1:5657
}
"""

NAME = "Loja São 50%"


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a page behind a proxy, and the token of its worker, which has one instance."""
    folder, port, ui = tmp_path_factory.mktemp(request.param), free_port(), free_port()
    if request.param == "nginx":
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
        server = f"server {{ listen 127.0.0.1:{port}; {NGINX.replace('5657', str(ui))} }}"
        text = f"daemon off; pid {folder / 'pid'}; events {{}} http {{ {places} access_log off; {server} }}"
        (folder / "nginx.conf").write_text(text)
        command = [require("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", str(folder / "start.log")]
    else:
        site = f"http://127.0.0.1:{port} {{\n{CADDY.replace('5657', str(ui))}\n}}\n"
        (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n}}\n{site}")
        command = [require("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    variables = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (
        WorkerProcess(folder / "store", "--ui-listen", f"tcp:{ui}:interface=127.0.0.1") as worker,
        running(command, folder, port, variables),
    ):
        assert send(worker, "POST", "/session", {"group": "codechat"}) in {200, 204}
        assert send(worker, "POST", "/session/codechat", {"instance": NAME}) == 204
        yield f"http://127.0.0.1:{port}/worker/", worker.token


def asked(
    url: str, form: dict[str, str] | None = None, *, cookie: str = "", origin: str = ""
) -> tuple[HTTPResponse, str]:
    """What a browser that does not say `Sec-Fetch-Site` is answered."""
    parts = urlsplit(url)
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    if form is not None:
        headers["Origin"] = origin or f"http://{parts.netloc}"
    with closing(HTTPConnection(parts.netloc, timeout=20)) as connection:
        connection.request(
            "GET" if form is None else "POST", parts.path, None if form is None else urlencode(form), headers
        )
        response = connection.getresponse()
        return response, response.read().decode()


def found(pattern: str, text: str) -> str:
    """What a pattern's group stands for."""
    match = re.search(pattern, text)
    assert match is not None
    return match[1]


def test_somebody_signs_in_looks_and_signs_out(place: tuple[str, str]) -> None:
    base, token = place
    page = f"{base}ui/instances/codechat/{quote(NAME)}"
    refused, text = asked(page)
    assert refused.status == 401
    login = urljoin(page, found('method="post" action="([^"]*)"', text))
    assert login == f"{base}ui/login"
    form = {"token": token, "next": found('name="next" value="([^"]*)"', text)}
    assert asked(login, form, origin="http://127.0.0.1:1")[0].status == 403
    entered, _ = asked(login, form)
    assert (entered.status, urljoin(login, str(entered.headers["Location"]))) == (303, page)
    cookie, *rest = str(entered.headers["Set-Cookie"]).split("; ")
    assert not [one for one in rest if one.lower().startswith("path=")]  # so the browser takes the folder: /worker/ui
    seen, text = asked(page, cookie=cookie)
    assert seen.status == 200
    left, _ = asked(f"{base}ui/logout", {"csrf": found('name="csrf" value="([^"]*)"', text)}, cookie=cookie)
    assert (left.status, urljoin(f"{base}ui/logout", str(left.headers["Location"]))) == (303, login)
    assert asked(page, cookie=cookie)[0].status == 401
