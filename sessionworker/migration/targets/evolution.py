"""Evolution API 2.x: creds in its database or in Redis, and the other keys in Redis or in files, as its settings say.

An account's rows are changed in a transaction, then its keys are replaced at once, and then the transaction is ended.
So whatever the database refuses leaves the keys as they were; and what is killed before the end leaves the old creds.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

from sessionworker.migration.baileys_names import ENDING, file_name_of
from sessionworker.migration.found import Skipped, SourceError
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.env_file import read_env_file
from sessionworker.migration.readers.sql import open_database
from sessionworker.migration.sources.evolution_1 import INSTANCE
from sessionworker.migration.sources.evolution_creds import creds_of
from sessionworker.migration.sources.evolution_rows import owners_of
from sessionworker.migration.sources.evolution_settings import NOWHERE, REDIS, TRUE, Settings, settings_of
from sessionworker.migration.sources.gathered import kept
from sessionworker.migration.targets.evolution_row import LockedRow, locked_row, put_creds
from sessionworker.migration.targets.hashes import Hashes, check_prefix, in_a_string
from sessionworker.migration.targets.new_places import check_creds, files_in, files_of, write_files
from sessionworker.migration.targets.standing import refusal
from sessionworker.migration.targets.target import TargetError, as_target_error
from sessionworker.names import CREDS


def open_evolution_target(
    env: Path | None = None,
    *,
    database: str = "",
    redis: str = "",
    prefix: str = "",
    client_name: str = "",
    instances: Path | None = None,
    keys: str = "",
    replace: bool = False,
) -> EvolutionTarget:
    """Open an installation by its file `.env`; each of the options goes over what stands there, as for an import.

    What an instance has there already is replaced, whole, only with `replace`. Raises TargetError.
    """
    with as_target_error(), kept() as resources:
        given = read_env_file(env) if env else None
        if given and not keys and given.get("PROVIDER_ENABLED") == TRUE:
            raise TargetError(
                "By its settings it keeps its accounts in a worker (PROVIDER_ENABLED=true), and would not look at what "
                "is written elsewhere. Set that to false first, or say by --keys where its keys are to be."
            )
        settings = settings_of(
            given,
            env.parent if env else None,
            database=database,
            redis=redis,
            prefix=prefix,
            client_name=client_name,
            instances=instances,
            keys=keys,
        )
        _check(settings)
        with closing(open_database(settings.database)) as server:
            _, client = owners_of(server, settings.client_name)
            where = server.shown
        hashes = resources.enter_context(closing(Hashes(settings.redis))) if settings.keys == REDIS else None
        where = f"{where}, {hashes.shown if hashes else shown(str(settings.instances))}"
        return EvolutionTarget(where, settings, client, hashes, resources, replace=replace)


def _check(settings: Settings) -> None:
    """See that there is a place for keys. Raises TargetError."""
    if settings.keys == NOWHERE:
        raise TargetError("An Evolution that keeps its keys nowhere cannot be given an account.")
    if settings.keys == REDIS:
        check_prefix(settings.prefix)
    if settings.creds_in_redis and settings.keys != REDIS:
        raise TargetError("By its settings all lies in Redis (CACHE_REDIS_SAVE_INSTANCES=true), its keys, too.")


class EvolutionTarget:
    """An installation that accounts are written to."""

    takes_all = False

    def __init__(
        self,
        where: str,
        settings: Settings,
        client_name: str,
        hashes: Hashes | None,
        resources: ExitStack,
        *,
        replace: bool,
    ) -> None:
        """Take where it keeps what; `resources` are closed with it."""
        self.shown = where
        self._settings = settings
        self._client_name = client_name
        self._hashes = hashes
        self._resources = resources
        self._replaces = replace

    def write(self, account_name: str, group: str, values: Mapping[str, bytes], label: str = "") -> list[Note]:  # noqa: ARG002 - it has none
        """Write an account to the instance that has this id, or else this name. Raises TargetError."""
        check_creds(values)
        skipped = Skipped()
        with as_target_error(), closing(open_database(self._settings.database, may_write=True)) as database:
            row = locked_row(database, account_name, self._client_name)
            creds = in_a_string(values[CREDS])
            self._refuse(row, "its database", {CREDS: row.creds} if row.creds else {}, {CREDS: creds}, values)
            put_creds(database, row, None if self._settings.creds_in_redis else creds.decode())
            self._put_keys(row, values, skipped)
            try:
                database.commit()
            except SourceError as error:
                raise TargetError(f"{error} Its keys are written already: write it again, with --replace.") from None
        return list(skipped.notes())

    def _put_keys(self, row: LockedRow, values: Mapping[str, bytes], skipped: Skipped) -> None:
        wanted = {key: values[key] for key in values if key != CREDS or self._settings.creds_in_redis}
        if self._hashes is not None:
            name = f"{self._settings.prefix}{INSTANCE}{row.id}"
            texts = {key: in_a_string(value) for key, value in wanted.items()}

            def check(held: Mapping[str, bytes]) -> Mapping[str, bytes]:
                self._refuse(row, "Redis", held, texts, values)
                return texts

            self._hashes.put(name, check)
        elif self._settings.instances is not None:
            folder = self._settings.instances / row.id
            files = files_of(wanted, lambda key: f"{file_name_of(key)}{ENDING}", skipped)
            self._refuse(row, f"its folder {shown(str(folder))}", files_in(folder), files, values)
            write_files(folder, files, replaces=True)

    def _refuse(
        self,
        row: LockedRow,
        place: str,
        held: Mapping[str, bytes],
        wanted: Mapping[str, bytes],
        values: Mapping[str, bytes],
    ) -> None:
        """See that nothing is in a place but what is to be there. Raises TargetError."""
        if self._replaces or not held or held == wanted:
            return
        creds = creds_of(place, held.get(CREDS))
        raise refusal(row.name, place, creds.text if creds else None, values[CREDS])

    def finish(self) -> None:
        """Do nothing: each account is in its place already."""

    def close(self) -> None:
        """Let go of the servers."""
        self._resources.close()
