"""Programs that keep all of an account in one hash of Redis, each in a layout of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from sessionworker.errors import NameNotAllowed
from sessionworker.migration.baileys_names import file_name_of
from sessionworker.migration.encodings import NotReadable, take_string
from sessionworker.migration.found import Skipped
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.readers.taking import take_as_it_is
from sessionworker.migration.sources.evolution_1 import INSTANCE
from sessionworker.migration.sources.redis_stores import FAZER, FAZER_END, HASH_END
from sessionworker.migration.targets.hashes import Hashes, check_prefix, in_a_string
from sessionworker.migration.targets.new_places import check_creds
from sessionworker.migration.targets.standing import refusal
from sessionworker.migration.targets.target import TargetError, as_target_error
from sessionworker.names import CREDS, check_name

METADATA = "metadata"
"""What baileys-api knows of a connection, its webhook for one; without it the connection is not loaded."""


class _Layout(Struct, frozen=True):
    """How a program keeps an account."""

    before: str
    """What stands before an account's name in the name of its hash."""
    after: str = ""
    field: Callable[[str], str] = str
    """Gives a key's field."""
    make: Callable[[bytes], bytes] = take_as_it_is
    """Gives what lies there for a text."""
    take: Callable[[bytes], bytes] = take_as_it_is
    """Gives the text again, or raises NotReadable."""
    wanted: tuple[str, ...] = ()
    """Fields that its program has made before, and that stay."""


def open_evolution_1_redis_target(redis: str, *, prefix: str, replace: bool = False) -> HashTarget:
    """Open what an Evolution 1.7.3 to 1.8.x keeps in Redis; `prefix` is its CACHE_REDIS_PREFIX_KEY.

    Raises TargetError.
    """
    check_prefix(prefix)
    layout = _Layout(f"{prefix}{INSTANCE}", make=in_a_string, take=take_string)
    return HashTarget(redis, layout, replace=replace)


def open_baileys_redis_auth_target(redis: str, *, replace: bool = False) -> HashTarget:
    """Open what baileys-redis-auth keeps in Redis with `useRedisAuthStateWithHSet`; an account's name is its prefix.

    Raises TargetError.
    """
    return HashTarget(redis, _Layout("", HASH_END, field=file_name_of), replace=replace)


def open_fazer_ai_target(redis: str, *, replace: bool = False) -> HashTarget:
    """Open what fazer-ai's baileys-api keeps in Redis; an account's name is its phone number, as there.

    Raises TargetError.
    """
    return HashTarget(redis, _Layout(FAZER, FAZER_END, wanted=(METADATA,)), replace=replace)


class HashTarget:
    """A database of Redis in which each account gets a hash of its own."""

    takes_all = False

    def __init__(self, redis: str, layout: _Layout, *, replace: bool) -> None:
        """Connect to the database of Redis that a URL names. Raises TargetError."""
        with as_target_error():
            self._hashes = Hashes(redis)
        self.shown = self._hashes.shown
        self._layout = layout
        self._replaces = replace

    def write(self, account_name: str, group: str, values: Mapping[str, bytes], label: str = "") -> list[Note]:  # noqa: ARG002 - it has none
        """Write an account to its hash. Raises TargetError."""
        check_creds(values)
        try:
            check_name("instance", account_name)
        except NameNotAllowed as error:
            raise TargetError(str(error)) from None
        skipped = Skipped()
        layout = self._layout
        fields: dict[str, bytes] = {}
        for key in sorted(values, key=lambda one: (one != CREDS, one)):
            field = layout.field(key)
            if field in fields or field in layout.wanted:
                skipped.add("left_out_names", shown(key))
            else:
                fields[field] = layout.make(values[key])

        def make(held: Mapping[str, bytes]) -> Mapping[str, bytes]:
            missing = [field for field in layout.wanted if field not in held]
            if missing:
                raise TargetError(
                    f"The program knows nothing of {shown(account_name)} yet (its {', '.join(missing)}), and would not "
                    "look for it. Make the connection there first."
                )
            kept = {field: held[field] for field in layout.wanted}
            others = {field: value for field, value in held.items() if field not in kept}
            if others and others != fields and not self._replaces:
                raise refusal(account_name, "Redis", self._creds_of(others), values[CREDS])
            return {**kept, **fields}

        with as_target_error():
            self._hashes.put(f"{layout.before}{account_name}{layout.after}", make)
        return list(skipped.notes())

    def _creds_of(self, held: Mapping[str, bytes]) -> bytes | None:
        try:
            return self._layout.take(held[CREDS]) if CREDS in held else None
        except NotReadable:
            return b""

    def finish(self) -> None:
        """Do nothing: each account is in its place already."""

    def close(self) -> None:
        """Let go of the server."""
        self._hashes.close()
