"""A copy that is cut off anywhere leaves a store on which no worker starts; run again, it ends as if it never was."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from sessionworker.errors import StartError
from sessionworker.names import SessionFile
from sessionworker.stores.copying import Copying
from tests.contract.file_place import kill
from tests.contract.words import CREDS, KEY, commit, create, creds, delete, drop, write
from tests.copying.ends import End, FileEnd, Make, everything, run, set_aside

KINDS = ("files", "postgres")


class Cut(BaseException):
    """The end of the process."""


def small(end: End) -> dict[str, Any]:
    """Put a little of everything into a store, and return all that it answers."""
    worker = end.worker()
    old = SessionFile("other", "old", "creds")
    create(worker, CREDS, old)
    commit(worker, write(CREDS, creds(1)), write(KEY, b'"a"'), write(KEY._replace(key="rotten"), b"1"))
    set_aside(worker, "rotten")
    commit(worker, write(old, creds(1, 2)), delete(old))
    drop(worker, old)
    worker.close()
    worker = end.worker()
    found = everything(worker)
    worker.close()
    return found


CHANGING = ("open", "rename", "unlink", "rmdir", "mkdir", "write", "utime", "fsync")
"""What of `os` changes a disk, or makes what was changed durable."""


def cut_at(monkeypatch: pytest.MonkeyPatch, end: End, number: int) -> Callable[[], bool]:
    """End a copy into a store at its change of that number; what is returned tells whether it came so far."""
    left = number

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:  # whatever it tries to tidy up then fails, too
            raise Cut

    def cutting(original: Callable[..., Any], is_change: Callable[..., bool]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            if is_change(*arguments):
                step()
            return original(*arguments, **options)

        return called

    if isinstance(end, FileEnd):
        for name in CHANGING:
            is_change = (lambda _, flags, *__: bool(flags & os.O_CREAT)) if name == "open" else lambda *_: True
            monkeypatch.setattr(os, name, cutting(getattr(os, name), is_change))
    else:
        execute = cutting(psycopg.Connection.execute, lambda *_: True)
        monkeypatch.setattr(psycopg.Connection, "execute", execute)
    return lambda: left < 0


def copy_until_cut(source: End, target: End, patch: pytest.MonkeyPatch, number: int) -> bool:
    """Copy, and end that at a change of the target; tell whether it came so far. The source is read undisturbed."""
    from_ = source.source()
    records = from_.records()
    did_cut = cut_at(patch, target, number)
    with suppress(Cut):
        to = target.target()
        try:
            Copying(from_, to).run(records)
        finally:
            to.close()
    patch.undo()
    from_.close()
    if isinstance(target, FileEnd):
        kill(target.folder)
    return did_cut()


def outcome(target: End, before: dict[str, Any]) -> str:
    """What a worker finds that is started then."""
    try:
        worker = target.worker()
    except StartError as error:
        return "a part" if "holds a part of a copy" in str(error) else str(error)
    found = everything(worker)
    worker.close()
    if found == before:
        return "all"
    assert found == {"groups": [], "drops": []}
    return "nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_that_is_cut_off_anywhere_is_refused_and_goes_on(
    make: Make, kind: str, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    source = make("postgres" if kind == "files" else "files")
    before = small(source)
    found = []
    number = 0
    while copy_until_cut(source, target := make(kind), monkeypatch, number):
        found.append(outcome(target, before))
        if found[-1] != "all":
            result = run(source, target)
            assert result.is_finished
            assert result.source == result.target
            worker = target.worker()
            assert everything(worker) == before, number
            worker.close()
        target.clear()
        number += 1 if full else 7
    assert found == sorted(found, key=["nothing", "a part", "all"].index)
    assert found.count("a part") > 5
