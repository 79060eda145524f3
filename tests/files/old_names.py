"""Names of every kind in a folder of session-manager, and a client that asks for them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sessionworker.names import SessionFile
from tests.contract.words import creds
from tests.files.words import session_files
from tests.memory import Worker

NAMES = {
    "spaces": "Loja  do Ze",
    "spaces at its ends": " a ",
    "composed accents": unicodedata.normalize("NFC", "São João"),
    "the same, decomposed": unicodedata.normalize("NFD", "São João"),
    "an emoji": "loja 🏪",
    "a leading dot": ".loja",
    "leading dots": "..loja",
    "nothing but dots": "...",
    "250 bytes": "x" * 250,
    "120 letters of two bytes": "é" * 120,
    "a percent sign": "100%",
    "escapes that are none": "50%off%",
    "escapes that are no text": "a%C3%",
    "an escaped dot": "%2E",
    "signs of Baileys' keys": "120363@g.us::1_1::5+==",
    "signs of URLs": "a?b#c&d;e,f",
    "quotes and a backslash": "\"'`\\{}<>|^[]",
    "control characters": "a\nb\tc\x01\x7f",
    "a capital letter": "Sales",
    "nothing but capital letters": "SALES",
    "a leading tilde": "~loja",
    "a dot at its end": "loja.",
    "a word of the paths": "list-instances",
    "nearly the worker's own": ".sessionworke",
}
"""All kinds that a folder can hold; `sales`, in small letters, is there besides."""

GROUP, INSTANCE = "codechat", "sales"


def files_of(name: str) -> list[SessionFile]:
    """Session files with a name in each place, and in all of them."""
    return [
        SessionFile(name, INSTANCE, "creds"),
        SessionFile(GROUP, name, "creds"),
        SessionFile(GROUP, INSTANCE, name),
        SessionFile(name, name, name),
    ]


FILES = [SessionFile(GROUP, INSTANCE, "creds"), *(file for name in NAMES.values() for file in files_of(name))]

Values = dict[SessionFile, bytes]


def values_of(number: int) -> Values:
    """A value for each session file, of which no two are equal."""
    return {
        file: creds(number, place) if file.key == "creds" else b'"%d of %d"' % (number, place)
        for place, file in enumerate(FILES)
    }


def leave(folder: Path, values: Values) -> None:
    """Write files as session-manager does: each has the path that its names make, and is written over in its place."""
    for file, value in values.items():
        path = folder.joinpath(*file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)


def found_by_session_manager(folder: Path) -> Values:
    """All that it would find, by the names that it would ask for."""
    return {SessionFile(*path.split("/")): value for path, value in session_files(folder).items()}


# A client


def as_a_component(text: str) -> str:
    """Escape a part of a path as JavaScript's encodeURIComponent does."""
    return quote(text, safe="!'()*-._~")


def as_node_does(text: str) -> str:
    """Escape a part of a path as Node's URL does for a client that escapes nothing, both APIs among them."""
    return "".join(one if "!" <= one <= "~" and one not in '"<>`{}' else quote(one, safe="") for one in text)


NOT_SAID_TO_NODE = re.compile(r"[%\\?#\x00-\x1f]| $|^\.\.?$")
"""What comes out of Node's URL as something else, if it is not escaped before."""


class Api:
    """What an API asks of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def ask(self, method: str, *names: str, body: Any = None) -> tuple[int, bytes]:
        answer = self._worker.ask(method, "/".join(["/session", *map(as_a_component, names)]), body)
        return answer.status, answer.body

    def connect(self, file: SessionFile) -> tuple[int, int]:
        """Do what an API does before it reads the first key of an instance."""
        [group, _] = self.ask("POST", body={"group": file.group})
        [instance, _] = self.ask("POST", file.group, body={"instance": file.instance})
        return group, instance

    def read_all(self) -> Values:
        """Read every session file that there may be."""
        found = {}
        for file in FILES:
            assert self.connect(file) == (204, 204)
            status, value = self.ask("GET", *file)
            if status == 200:
                found[file] = value
        return found


@contextmanager
def api(folder: Path) -> Iterator[Api]:
    """An API with a worker on a folder."""
    with Worker(folder) as worker:
        yield Api(worker)
        assert worker.reports == []
