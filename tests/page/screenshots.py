"""Makes the pictures of the page for docs/: `python -m tests.page.screenshots`, or `make screenshots`.

What they show is made up: accounts, the numbers of six hours, and when all that was.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from math import cos, pi
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sessionworker.page.languages import LANGUAGES
from sessionworker.page.series import SAMPLES, STEP_SECONDS
from sessionworker.stores.changes import CreateGroup, CreateInstance, DropInstance, LabelInstance
from tests.migration.examples import keys_of, paired_creds
from tests.page.browser import PHONE, Browser, Tab, screenshot
from tests.page.served import minutes_ago, served
from tests.page.visiting import OPERATOR
from tests.page.whole import Whole, whole_page
from tests.process import REPOSITORY

DOCS = REPOSITORY / "docs"

WIDE = (1120, 700)

GIB = 2**30

SHOPS = ("Loja Centro", "Loja Norte", "Suporte", "Vendas", "Financeiro", "Agenda", "Entregas", "Loja Sul", "Cobrança")

CHANGED, DROPPED = "3f0a9c12-7be4-4d51-9f3e-0c1d2e3f4a00", "test-7"

PAGES: Mapping[str, str] = {
    "overview": "/ui/",
    "instances": "/ui/instances?sort=name",
    "instance": f"/ui/instances/evolution/{CHANGED}",
    "trash": "/ui/trash",
    "health": "/ui/health",
}


def main(folder: Path) -> None:
    """Make them all."""
    browser = Browser(shutil.which("chromium") or sys.exit("The pictures are made with 'chromium', which is not here."))
    try:
        with TemporaryDirectory() as store, ExitStack() as open_ones:
            with minutes_ago(9 * 60):
                page = open_ones.enter_context(whole_page(Path(store)))
            fill(page)
            with served(page) as origin:
                for language in LANGUAGES:
                    browser.run(look, browser, origin, language, folder)
    finally:
        browser.close()


def name_of(page: str, language: str) -> str:
    """Return what the picture of a page is called."""
    return f"page-{page}-{language}.png"


def look(browser: Browser, origin: str, language: str, folder: Path) -> None:
    """Make the pictures of a language."""
    with browser.tab(origin, language=language, size=WIDE) as tab:
        _sign_in(tab)
        for name, path in PAGES.items():
            tab.go(path)
            screenshot(tab, folder / name_of(name, language), full=name != "health")
    with browser.tab(origin, language=language, size=PHONE, scheme="dark") as tab:
        _sign_in(tab)
        tab.go("/ui/")
        screenshot(tab, folder / name_of("phone", language), full=False)


def fill(page: Whole) -> None:
    """Have accounts in a page, a day of what happened to them, and six hours of figures."""
    with minutes_ago(8 * 60):
        page.do(CreateGroup("codechat"), CreateGroup("evolution"))
        for number, label in enumerate(SHOPS):
            name = CHANGED[:-2] + f"{number:02x}"
            page.do(CreateInstance("evolution", name), LabelInstance("evolution", name, label))
            page.write("evolution", name, creds=paired_creds(name, nextPreKeyId=31 + number), **keys_of(name))
        for name in ("sales", "support", DROPPED):
            page.do(CreateInstance("codechat", name))
            page.write("codechat", name, creds=paired_creds(name), **keys_of(name))
    for minutes, creds in ((400, paired_creds(CHANGED, nextPreKeyId=61)), (31, paired_creds("another")), (29, None)):
        with minutes_ago(minutes):
            if creds is None:
                page.do(DropInstance("codechat", DROPPED))
            else:
                page.write("evolution", CHANGED, creds=creds)
    with minutes_ago(2):
        page.write("evolution", CHANGED, creds=paired_creds("another", nextPreKeyId=31))
        page.write("codechat", "sales", creds=paired_creds("sales", nextPreKeyId=31))
    measure(page, Random(7))


def measure(page: Whole, random: Random) -> None:
    """Let six hours go by, in which the worker has work, more of it in the middle."""
    for step in range(SAMPLES):
        much = 1 - cos(2 * pi * step / SAMPLES) + random.random() / 2
        for _ in range(int(20 * much)):
            page.metrics.request("/session/<group>/<instance>/<key>", "POST", 204, 0.003)
        page.metrics.sync((1.5 + much + 8 * (random.random() > 0.995)) / 1000, int(60 * much))
        page.metrics.lag(much / 1000)
        page.room.update(
            store_size_bytes=80.0 * GIB,
            store_free_bytes=41.4 * GIB - step * 90_000,
            store_inodes=5.2e6,
            store_free_inodes=3.3e6,
            calls_under_way=float(int(6 * much)),
            limit_calls_under_way=10_000.0,
            unwritten_files=float(int(90 * much)),
            limit_unwritten_files=4_000.0,
            connections=float(12 + int(4 * much)),
            limit_connections=10_000.0,
        )
        page.clock.advance(STEP_SECONDS)
        page.built.take_sample()


def _sign_in(tab: Tab) -> None:
    tab.go("/ui/", status=401)
    tab.page.fill("#token", OPERATOR)
    tab.page.click("#sign-in button")
    tab.page.wait_for_selector("nav")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
