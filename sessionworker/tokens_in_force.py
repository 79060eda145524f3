"""The tokens in force: said at the start, and read again when somebody asks for it."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from sessionworker.access import Access, Role
from sessionworker.errors import StartError
from sessionworker.options import TOKEN_VARIABLES
from sessionworker.settings import Settings, Source
from sessionworker.tokens import TOKEN_FILE_NAME, find_tokens


class TokensInForce:
    """Those that the settings lead to, now or when they were read last."""

    _log = Logger()

    def __init__(self, settings: Settings, ours: Path | None) -> None:
        """Find them; `ours` is the worker's own folder in the store, if it has one. Raises StartError."""
        self._settings = settings
        self._ours = ours
        self._found = find_tokens(settings, ours)
        self.access = Access(self._found.tokens)
        """What they open; kept up to date."""

    def read_again(self) -> None:
        """Put in force what stands in their files now. What cannot be read changes nothing."""
        try:
            self._found = find_tokens(self._settings, self._ours, may_make=False)
        except StartError as error:
            self._log.error("The tokens stay as they were: {reason}", event="tokens_stay", reason=str(error))
            return
        self.access.replace(self._found.tokens)
        self._log.info("The tokens were read again.", event="tokens_read_again")
        self._say_what_they_open()

    def say(self) -> None:
        """Say where they come from, and which is not in force: the most likely problem of the first hour."""
        path = self._found.file
        source = path or f"the variable {TOKEN_VARIABLES[Role.API]}"
        self._log.info("The token is in {source}.", event="token_in_force", source=source)
        unused = self._ours / TOKEN_FILE_NAME if self._ours is not None else None
        if unused is not None and path != unused and unused.exists():
            self._log.warn(
                "The token in {path}, made at an earlier start, is not in force.",
                event="token_not_in_force",
                path=unused,
            )
        if path is not None and path == unused and self._settings.keys != Source():
            self._log.warn(
                "The token in {path} is not encrypted as the rest of the store is. Give one in a file elsewhere.",
                event="token_in_store",
                path=path,
            )
        self._say_what_they_open()

    def _say_what_they_open(self) -> None:
        tokens = self._found.tokens
        count = {role: sum(token.role is role for token in tokens) for role in Role}
        limited = sum(token.groups is not None for token in tokens)
        self._log.info(
            "Tokens: {api} for APIs, {limited} of them for some groups alone; {admin} for operators; {view} to look.",
            event="tokens",
            api=count[Role.API],
            limited=limited,
            admin=count[Role.ADMIN],
            view=count[Role.VIEW],
        )
        if not count[Role.ADMIN]:
            is_open = count[Role.API] > limited
            self._log.warn(
                "No token for operators is set: {consequence}. Set {variable}.",
                event="no_admin_token",
                consequence="whoever has an API's can drop groups, too" if is_open else "nobody gets in at /admin",
                variable=TOKEN_VARIABLES[Role.ADMIN],
            )
