"""The command line of `twistd sessionworker`, made of the one table of settings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import ClassVar

from twisted.python import usage

from sessionworker.access import Role
from sessionworker.errors import StartError
from sessionworker.options import HTTP_LOGS_VARIABLE, OPTIONS, TOKEN_FLAGS, TOKEN_VARIABLES, Option
from sessionworker.settings import Settings, read_settings
from sessionworker.version import PYTHON, TWISTED, VERSION


def _describe(option: Option) -> str:
    default = option.default or "none"
    if option.flag == TOKEN_FLAGS[Role.API]:
        default = f"none; {TOKEN_VARIABLES[Role.API]}, else a token made at the first start, in the store"
    return f"{option.meaning} [{option.variable}] [default: {default}]"


class Options(usage.Options):
    """The command line of `twistd sessionworker`."""

    synopsis = "[options]"
    longdesc = (
        "Stores the session files of WhatsApp API programs and serves them over HTTP. "
        "Each option can also be set by the environment variable in brackets; the command line wins."
    )
    optParameters: ClassVar = [
        [option.flag, None, None, _describe(option)] for option in OPTIONS if option.flag != "listen"
    ]
    optFlags: ClassVar = [["http-logs", None, f"log each request [{HTTP_LOGS_VARIABLE}=true] [default: off]"]]

    def __init__(self) -> None:
        """Start with no place to listen given."""
        super().__init__()
        self["listen"] = None
        self.settings: Settings

    def opt_version(self) -> None:
        """Say which version this is, and of what."""
        print(f"sessionworker {VERSION} (Twisted {TWISTED}, Python {PYTHON})")  # noqa: T201 - what was asked for
        raise SystemExit(0)

    def opt_listen(self, text: str) -> None:
        """Take one more place to listen."""
        self["listen"] = [*(self["listen"] or []), text]

    opt_listen.__doc__ = _describe(OPTIONS[0]) + " (may be given more than once)"

    def parseOptions(self, options: Iterable[str] | None = None) -> None:
        """Parse and check; anything that makes no sense ends the process with one line and status 1."""
        try:
            super().parseOptions(options)
            self.settings = read_settings(self, os.environ)
        except (usage.UsageError, StartError) as error:
            raise SystemExit(f"sessionworker: {error}") from None
