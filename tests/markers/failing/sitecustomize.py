# ruff: noqa: INP001 - not a module of a package: Python looks for a file of this name
"""Calls of the disk that fail as nobody foresaw, and say all that they know: Python runs this where PYTHONPATH leads.

The file that FAILING_CALL names holds the name of the call that fails, while it is there.
"""

from __future__ import annotations

import os
from typing import Any

FLAG = os.environ["FAILING_CALL"]


def _let_fail(name: str) -> None:
    real = getattr(os, name)

    def call(*arguments: Any, **more: Any) -> Any:
        result = real(*arguments, **more)
        if _open_flag() == name:
            raise ValueError(f"{name}: {arguments!r} {more!r} {result!r}")
        return result

    setattr(os, name, call)


def _open_flag() -> str:
    try:
        handle = _open(FLAG, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        return _read(handle, 100).decode()
    finally:
        os.close(handle)


_open, _read = os.open, os.read
for _name in ("pwritev", "read", "write", "rename", "scandir"):
    _let_fail(_name)
