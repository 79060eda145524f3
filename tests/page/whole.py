"""The whole page over a real store, in one thread: what a page shows is there when the request returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, execute, fail, succeed
from twisted.internet.task import Clock

from sessionworker.access import Access
from sessionworker.errors import WorkerError
from sessionworker.offload import Offload
from sessionworker.page.build import Page as BuiltPage
from sessionworker.page.site import InThread
from sessionworker.stores.changes import Batch, CreateGroup, CreateInstance, Entry, Write
from sessionworker.stores.files.store import FileStore
from sessionworker.stores.interface import Store
from sessionworker.web.health import Health
from sessionworker.web.metrics import Metrics
from sessionworker.web.overview import Overview
from tests.migration.examples import paired_creds, text_of
from tests.page.visiting import OPERATOR, TOKENS, Browser, Page
from tests.settings import read


class Here:
    """An `Offload` that has done everything when it returns, unless the store is told to hang."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.hangs = False

    def ask(self, question: Callable[..., Any], *arguments: object) -> Deferred[Any]:
        return Deferred() if self.hangs else execute(question, *arguments)

    def commit(self, entry: Entry) -> Deferred[Any]:
        [outcome] = self.store.commit([entry])
        return fail(outcome) if isinstance(outcome, WorkerError) else succeed(outcome)


class Whole(Page):
    """A page with all that it shows."""

    def __init__(self, folder: Path, in_thread: InThread = execute, **variables: str) -> None:
        self.clock = Clock()
        self.access = Access(TOKENS)
        self.metrics = Metrics()
        self.events = []
        self.folder = folder
        self.store = FileStore(folder, sync=False)
        self.here = Here(self.store)
        offload = cast("Offload", self.here)
        self.room: dict[str, float] = {}
        self.metrics.watch(self.store.figures, lambda: self.room)
        self.health = Health(self.clock, offload)
        overview = Overview(offload, self.health, self.metrics)
        self.built = BuiltPage(self.clock, offload, self.access, overview, self.metrics, read(**variables), in_thread)
        self.site = self.built.site

    def do(self, *entries: Entry) -> None:
        """Change the store, as an API does."""
        for entry in entries:
            [outcome] = self.store.commit([entry])
            assert not isinstance(outcome, Exception), outcome
        self.clock.advance(60)  # what was seen before is old

    def make(self, group: str, name: str, **values: Mapping[str, Any]) -> None:
        """Make an instance; with `creds` if no values are given."""
        self.do(CreateGroup(group), CreateInstance(group, name))
        self.write(group, name, **(values or {"creds": paired_creds(name)}))

    def replace_folder(self, group: str, name: str) -> None:
        """Put a file where an instance had its folder, as somebody may by hand."""
        self.store.checkpoint()
        folder = self.folder / group / name
        folder.rename(self.folder.with_name("elsewhere"))
        folder.write_text("a file")
        self.clock.advance(60)

    def write(self, group: str, name: str, **values: Mapping[str, Any]) -> None:
        """Write session files."""
        self.do(Batch(group, name, tuple(Write(key, text_of(value)) for key, value in values.items())))


@contextmanager
def whole_page(folder: Path, in_thread: InThread = execute, **variables: str) -> Iterator[Whole]:
    """Have a page over a store in a folder."""
    page = Whole(folder, in_thread, **variables)
    try:
        yield page
    finally:
        page.store.close()


def operator(page: Whole, language: str = "en") -> Browser:
    """Somebody who is signed in, and may change things."""
    browser = Browser(page)
    if language != "en":
        browser.visit(f"/ui/language/{language}/")
    assert browser.sign_in(OPERATOR).status == 303
    return browser
