"""A real Prometheus, as Debian 12 has it, scrapes the worker with the configuration that is shipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests.ports import free_port
from tests.process import REPOSITORY, WorkerProcess
from tests.tools import require

pytestmark = pytest.mark.slow

SHIPPED = REPOSITORY / "deploy" / "prometheus"
PATIENCE = 60.0


@contextmanager
def prometheus(folder: Path, worker: WorkerProcess, token: str) -> Iterator[str]:
    """Run it on a copy of the shipped folder; only the worker's port and the interval are other ones."""
    shutil.copytree(SHIPPED, folder)
    (folder / "token").write_text(token)
    shipped = (SHIPPED / "prometheus.yml").read_text()
    written = shipped.replace("127.0.0.1:5656", f"127.0.0.1:{worker.port}").replace("15s", "1s")
    (folder / "prometheus.yml").write_text(written)
    place = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            require("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={place}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{place}"
    finally:
        process.kill()
        process.wait(10)


def ask(url: str, path: str) -> Any:
    """Ask its API; None as long as it has no answer yet."""
    try:
        with urlopen(f"{url}/api/v1/{path}", timeout=PATIENCE) as answer:  # noqa: S310 - an address of our own
            return json.load(answer)["data"]
    except (URLError, ConnectionError):
        return None


def wait_for_target(url: str) -> dict[str, Any]:
    """Wait until the worker was scraped, well or not, and return what is said of it."""
    end = time.monotonic() + PATIENCE
    while True:
        targets = (ask(url, "targets") or {}).get("activeTargets", [])
        if targets and targets[0]["health"] != "unknown":
            found: dict[str, Any] = targets[0]
            return found
        assert time.monotonic() < end, "nothing was scraped"
        time.sleep(0.2)


Scraped = dict[str, str]
"""The address of a Prometheus for each of the tokens `right`, `another` and none."""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """All at once: each waits for five seconds before it scrapes anything."""
    folder = tmp_path_factory.mktemp("scraped")
    with WorkerProcess(folder / "store") as worker, ExitStack() as stack:
        tokens = {"right": worker.token, "another": "another", "": ""}
        yield {
            name: stack.enter_context(prometheus(folder / f"prometheus-{number}", worker, token))
            for number, (name, token) in enumerate(tokens.items())
        }


def test_it_scrapes_the_worker_and_takes_its_rules(scraped: Scraped) -> None:
    url = scraped["right"]
    target = wait_for_target(url)
    assert (target["health"], target["lastError"]) == ("up", "")
    end = time.monotonic() + PATIENCE
    query = quote('sessionworker_build_info{job="sessionworker"}')
    while not (found := ask(url, f"query?query={query}")["result"]):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert found[0]["value"][1] == "1"
    rules = [rule for group in ask(url, "rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 5
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


@pytest.mark.parametrize("token", ["", "another"])
def test_without_the_worker_s_token_it_is_told_so(scraped: Scraped, token: str) -> None:
    target = wait_for_target(scraped[token])
    assert target["health"] == "down"
    assert "401" in target["lastError"]


def test_every_query_of_the_board_is_answered(scraped: Scraped) -> None:
    """Whether two sides of a query fit together shows with numbers alone."""
    url = scraped["right"]
    assert wait_for_target(url)["health"] == "up"
    end = time.monotonic() + PATIENCE
    while not (ask(url, f"query?query={quote('rate(sessionworker_http_requests_total[5s])')}") or {}).get("result"):
        assert time.monotonic() < end
        time.sleep(0.2)
    empty = []
    for title, expression in queries("5s"):
        answer = ask(url, f"query?query={quote(expression)}")
        assert answer is not None, expression
        if not answer["result"]:
            empty.append(title)
    assert set(empty) <= WITHOUT_NUMBERS


WITHOUT_NUMBERS = {
    "TLS certificate ends in",
    "Time since the last",
    "Connections to the database",
    "Calls that wait for a connection",
    "Share that failed (5xx)",
}
"""Panels of the board that show nothing, in part or wholly, of a worker on files that nobody has written to."""


def queries(interval: str) -> list[tuple[str, str]]:
    """The queries of the board for all workers, each with the title of its panel."""
    chosen = {"$__rate_interval": interval, "$job": "sessionworker", "$instance": ".+"}
    found = []
    for panel in json.loads((REPOSITORY / "deploy" / "grafana" / "sessionworker.json").read_text())["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for variable, value in chosen.items():
                expression = expression.replace(variable, value)
            found.append((panel["title"], expression))
    return found
