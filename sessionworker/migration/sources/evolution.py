"""Evolution API 2.x: creds in its database or in Redis, and the other keys in Redis or in files.

Its instances are rows of a table, and a worker's have the ids of those. An API with a worker knows what its worker has,
and nothing else: instances that keep nothing are made there, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

from msgspec import Struct

from sessionworker.migration.baileys_names import ENDING, key_of
from sessionworker.migration.found import Account, Reading, Skipped, SourceError
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import Collector, shown
from sessionworker.migration.readers.env_file import read_env_file
from sessionworker.migration.readers.folder import BAILEYS, read_folder
from sessionworker.migration.readers.redis_hash import Redis
from sessionworker.migration.readers.sql import open_database
from sessionworker.migration.readers.taking import STRING, encoding, take_all
from sessionworker.migration.sources.evolution_1 import INSTANCE, prefixes_in, several_prefixes
from sessionworker.migration.sources.evolution_creds import Choice, choose, creds_of
from sessionworker.migration.sources.evolution_rows import Row, Rows, rows_of
from sessionworker.migration.sources.evolution_settings import FILES, FOLDER, REDIS, Settings, settings_of
from sessionworker.migration.sources.gathered import Entry, Gathered, kept
from sessionworker.names import CREDS

BAILEYS_INTEGRATION = "WHATSAPP-BAILEYS"

CLOSED = "close"


def open_evolution(
    env: Path | None = None,
    *,
    database: str = "",
    redis: str = "",
    prefix: str = "",
    client_name: str = "",
    instances: Path | None = None,
    keys: str = "",
) -> Gathered:
    """Open what an installation keeps, by its file `.env`; each of the options goes over what stands there.

    `database` and `redis` are URLs, as in DATABASE_CONNECTION_URI and CACHE_REDIS_URI; `prefix` is its
    CACHE_REDIS_PREFIX_KEY, `client_name` its DATABASE_CONNECTION_CLIENT_NAME, `instances` its folder of that name.
    `keys` says where its keys are: `redis`, `files` or `nowhere`. Raises SourceError.
    """
    settings = settings_of(
        read_env_file(env) if env else None,
        env.parent if env else None,
        database=database,
        redis=redis,
        prefix=prefix,
        client_name=client_name,
        instances=instances,
        keys=keys,
    )
    with kept() as resources:
        server = resources.enter_context(closing(open_database(settings.database)))
        rows = rows_of(server, settings.client_name)
        found = _Installation(settings, rows, _hashes(settings, rows, resources))
        skipped = Skipped()
        entries = [*found.entries(), *found.orphans(skipped)]
        return Gathered(server.shown, entries, skipped.notes(), resources)


class _Hashes(Struct, frozen=True):
    """Hashes of instances in a Redis, by the instances' ids."""

    server: Redis
    keys: Mapping[str, str]


def _hashes(settings: Settings, rows: Rows, resources: ExitStack) -> _Hashes | None:
    """Return the hashes of all instances; None where there is no Redis, and none is needed."""
    is_needed = settings.keys == REDIS or bool(settings.creds_in_redis)
    if not settings.redis or not (is_needed or not settings.is_sure):
        return None
    try:
        server = resources.enter_context(closing(Redis(settings.redis)))
    except SourceError:
        if is_needed:
            raise
        return None
    prefixes = prefixes_in(server)
    if not settings.prefix and len(prefixes) > 1 and is_needed:
        raise several_prefixes(server, prefixes)
    before = f"{settings.prefix or next(iter(prefixes), '')}{INSTANCE}"
    keys = {key.removeprefix(before): key for key in server.names(before, "")}
    if is_needed and not keys and any(_is_baileys(row) for row in rows.rows):
        others = f" There are some under {shown(', '.join(prefixes))}: give --prefix." if prefixes else ""
        raise SourceError(
            f"There is no hash {shown(before)}* in {server.shown}.{others} If that is the wrong Redis, or the wrong "
            "number of a database in it, give --redis; if its keys are elsewhere, --keys."
        )
    return _Hashes(server, keys)


class _Installation:
    """What an installation keeps, in all its places."""

    def __init__(self, settings: Settings, rows: Rows, hashes: _Hashes | None) -> None:
        self._settings = settings
        self._rows = rows
        self._hashes = hashes

    def entries(self) -> Iterator[Entry]:
        """Yield all instances that the table has."""
        for row in self._rows.rows:
            if not _is_baileys(row):
                yield _empty(row, Note("other_integration", {"integration": shown(row.integration)}))
                continue
            choice = self._choice(row)
            if choice.creds is None or (choice.creds.is_readable and not choice.creds.is_paired):
                yield _empty(row, Note("made_empty"))
            else:
                notes = (*choice.notes, *self._notes(row, choice))
                yield self._entry(Account(row.id, f"Instance.{row.id}", label=row.name, notes=notes), choice)

    def orphans(self, skipped: Skipped) -> Iterator[Entry]:
        """Yield instances that the table does not have, and note the keys of such ones."""
        for id_, key in (self._hashes.keys if self._hashes else {}).items():
            if id_ in self._rows.all_ids:
                continue
            creds = creds_of("Redis", self._hash_creds(id_))
            if creds is None:
                skipped.add("keys_without_row", shown(key))
            else:
                yield self._entry(Account(id_, shown(key), notes=(Note("no_row"),)), Choice(creds))
        folder = self._settings.instances
        if folder and self._settings.keys == FILES:
            for one in sorted(folder.iterdir()):
                if one.name not in self._rows.all_ids and _has_keys(one):
                    skipped.add("keys_without_row", shown(f"{FOLDER}/{one.name}"))

    def _choice(self, row: Row) -> Choice:
        of_database = creds_of(self._rows.place, row.creds, may_be_cut_off=self._rows.is_mysql)
        of_redis = creds_of("Redis", self._hash_creds(row.id))
        in_redis = self._settings.creds_in_redis
        if in_redis:
            return choose(of_redis, of_database, used_place="Redis")
        return choose(of_database, of_redis, used_place="" if in_redis is None else self._rows.place)

    def _hash_creds(self, id_: str) -> bytes | None:
        if self._hashes is None or id_ not in self._hashes.keys:
            return None
        return self._hashes.server.field(self._hashes.keys[id_], CREDS)

    def _notes(self, row: Row, choice: Choice) -> Iterator[Note]:
        owner = row.owner.partition("@")[0].partition(":")[0]
        number = choice.creds.number if choice.creds else ""
        if owner and number and owner != number:
            yield Note("owner_differs", {"owner": shown(owner), "number": shown(number)})
        if row.status == CLOSED:
            yield Note("status_closed", {"name": shown(row.name)})
        if choice.creds and choice.creds.is_cut_off:
            yield Note("creds_cut_off")
        if not self._settings.is_sure:
            yield from self._notes_of_places(row.id)

    def _notes_of_places(self, id_: str) -> Iterator[Note]:
        """Say so if there are keys where the settings do not say that they are."""
        folder, hashes = self._settings.instances, self._hashes
        in_files = folder is not None and _has_keys(folder / id_)
        fields = hashes.server.hash(hashes.keys[id_]) if hashes and id_ in hashes.keys else {}
        in_redis = bool(fields.keys() - {CREDS.encode()})
        used, other = ("Redis", FOLDER) if self._settings.keys == REDIS else (FOLDER, "Redis")
        if in_files and in_redis:
            yield Note("keys_in_two_places", {"taken": used})
        elif in_files if self._settings.keys == REDIS else in_redis:
            yield Note("keys_elsewhere", {"said": used, "found": other})

    def _entry(self, account: Account, choice: Choice) -> Entry:
        def read() -> Reading:
            reading = self._keys(account.name)
            reading.values.pop(CREDS, None)
            if choice.creds:
                reading.values[CREDS] = choice.creds.text
            return reading

        return Entry(account, read)

    def _keys(self, id_: str) -> Reading:
        if self._settings.keys == REDIS and self._hashes and id_ in self._hashes.keys:
            collector = Collector()
            fields = self._hashes.server.hash(self._hashes.keys[id_])
            take_all(collector, fields.items(), encoding(STRING))
            return collector.reading()
        folder = self._settings.instances
        if self._settings.keys == FILES and folder and (folder / id_).is_dir():
            return read_folder(folder / id_, BAILEYS)
        return Reading()


def _is_baileys(row: Row) -> bool:
    return row.integration in {"", BAILEYS_INTEGRATION}


def _empty(row: Row, note: Note) -> Entry:
    account = Account(row.id, f"Instance.{row.id}", label=row.name, is_empty=True, notes=(note,))
    return Entry(account, Reading)


def _has_keys(folder: Path) -> bool:
    """Tell whether a folder holds keys: of those that an instance needs beside its creds."""
    try:
        names = [one.name for one in folder.iterdir()]
    except OSError:
        return False
    stems = (name.removesuffix(ENDING) for name in names if name.endswith(ENDING))
    return any(key_of(stem) not in {None, CREDS} for stem in stems)
