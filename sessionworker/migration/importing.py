"""The import itself: each account of a source is read, judged, and brought into a worker; see `arriving`.

All of them are read once before anything is written: two of one account must be told from one, and whoever runs this
sees what there is. Then they are read again, one at a time, and written. What the worker has already, byte for byte, is
left: so an import that was cut off goes on where it is run again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from msgspec import structs

from sessionworker.client import (
    BodyTooLarge,
    ClientError,
    Conflict,
    NoSpace,
    NotAllowed,
    NotFound,
    Overloaded,
    Refused,
    Unavailable,
)
from sessionworker.errors import LabelNotAllowed, NameNotAllowed
from sessionworker.migration.arriving import WAITING_GROUP, Arriving, NotReadBack, digest_of
from sessionworker.migration.found import Account, InThread, Reading, Skipped, Source
from sessionworker.migration.judging import judge
from sessionworker.migration.notes import Note
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.reports import THERE, Report, State, Told, refuses
from sessionworker.migration.unbroken import unbroken
from sessionworker.names import CREDS, LONGEST_LABEL, check_label, check_name
from sessionworker.stores.rules.creds import read_creds

_OF_ONE_ACCOUNT = (NotAllowed, NotFound, Conflict, BodyTooLarge, Unavailable)
"""What a worker may say of one account, and take the next one. A store of which one instance is broken is among it."""


class GroupMissingError(Exception):
    """The source has no groups, and none was named for its accounts."""


class Importing:
    """Brings the accounts of a source into a worker."""

    def __init__(
        self,
        source: Source,
        arriving: Arriving,
        in_thread: InThread,
        *,
        group: str,
        only: Collection[str] = (),
        names: Mapping[str, str] = MappingProxyType({}),
        accepted: frozenset[str] = frozenset(),
    ) -> None:
        """Import what `source` holds into `group`, or into the groups that it has itself.

        `only` are the names or labels of those that are wanted; all, if there are none. `names` are new names, by those
        that accounts have there, or their labels, or the places where they lie. `accepted` are the codes of
        notes that keep nothing from being imported.
        """
        self._source = source
        self._arriving = arriving
        self._in_thread = in_thread
        self._group = group
        self._only = frozenset(only)
        self._names = names
        self.not_found = set(only)
        """Those of `only` that no account is called, once there is a plan."""
        self._accepted = accepted
        self._report = Report(source.shown, is_dry=True)
        self._here: dict[str, set[str]] | None = None
        """All instances that there are, by their identities, once that was asked for."""

    async def plan(self) -> tuple[Report, list[tuple[Account, Told]]]:
        """Read all of it, change nothing, and say what would become of each account.

        Raises SourceError, or GroupMissingError, before anything is read.
        """
        report = self._report
        planned = self._choose(await self._in_thread(self._source.accounts))
        identities: dict[str, Told] = {}
        for account, told in planned:
            values = await self._read(account, told)
            creds = read_creds(values[CREDS]) if CREDS in values else None
            await self._compare(told, account, values)
            if creds is not None:
                _tell_doubles(told, creds.identity, identities)
                await self._tell_others(told, creds.identity)
        _tell_same_names([told for account, told in planned if told.instance != account.name], planned)
        for _, told in planned:
            told.state = refuses(told.notes, self._accepted) or told.state
            report.accounts.append(told)
        report.notes += await self._in_thread(self._source.notes)
        return report, planned

    def _choose(self, accounts: list[Account]) -> list[tuple[Account, Told]]:
        """Return those that are wanted. Raises GroupMissingError."""
        chosen = []
        unused = dict(self._names)
        for account in accounts:
            old = next((one for one in _called(account) if one in self._names), account.name)
            unused.pop(old, None)
            name = self._names.get(old, account.name)
            label = account.label or (account.name if name != account.name else "")
            label, notes = _allowed_label(label)
            told = Told(account.group or self._group, name, account.origin, label)
            names = {*_called(account), name, f"{told.group}/{name}"} - {""}
            if not self._only or not self._only.isdisjoint(names):
                self.not_found -= names
                chosen.append((structs.replace(account, notes=(*account.notes, *notes)), told))
        if not all(told.group for _, told in chosen):
            raise GroupMissingError
        skipped = Skipped()
        for old in unused:
            skipped.add("map_not_used", old)
        self._report.notes += skipped.notes()
        return chosen

    async def _tell_others(self, told: Told, identity: str) -> None:
        """Note an instance of the worker that is the same account in another place."""
        if self._here is None:
            self._here = await self._arriving.identities()
        others = self._here.get(identity, set()) - {f"{told.group}/{told.instance}"}
        if others and told.state is not State.EQUAL:
            told.notes.append(Note("same_account_here", {"others": ", ".join(sorted(others))}))

    async def _read(self, account: Account, told: Told) -> dict[str, bytes]:
        """Read an account, and note what is to be said of it."""
        told.notes = list(account.notes)
        try:
            check_name("group", told.group)
            check_name("instance", told.instance)
        except NameNotAllowed as error:
            told.notes.append(Note("name_not_allowed", {"reason": str(error)}))
            return {}
        if account.is_empty:
            return {}
        reading: Reading = await self._in_thread(self._source.read, account)
        told.notes += [*reading.notes, *judge(reading.values)]
        told.measure(reading.values)
        return reading.values

    async def _compare(self, told: Told, account: Account, values: dict[str, bytes]) -> None:
        """Say what an account finds in its place."""
        told.state = State.READY
        if refuses(told.notes, self._accepted) is State.FAILED:
            return
        try:
            held = await self._arriving.held(told.group, told.instance)
        except _OF_ONE_ACCOUNT as error:
            told.notes.append(_refusal_of(error))
            return
        if held is None:
            return
        if account.is_empty or digest_of(held) == told.digest:
            told.state = State.EQUAL
        else:
            told.notes += _compare_creds(held, values)

    async def run(self, planned: list[tuple[Account, Told]]) -> None:
        """Import what a plan says is ready; note in it what became of each account. Raises SourceError, ClientError.

        NoSpace is noted, too: there would be none for the next one either, and those who are served need it.
        """
        no_space: NoSpace | None = None
        for account, told in planned:
            if told.state is State.READY:
                try:
                    told.state = await self._import(account, told)
                except NotReadBack:
                    told.notes.append(Note("refused_by_worker", {"reason": "What was written was not read back."}))
                    told.state = State.FAILED
                except (*_OF_ONE_ACCOUNT, NoSpace) as error:
                    told.notes.append(_refusal_of(error))
                    told.state = State.FAILED
                    if isinstance(error, NoSpace):
                        no_space = error
                        break
            if told.label and told.state in THERE:
                await self._label(told)
        left = await self._arriving.tidy()
        if left:
            self._report.notes.append(Note("left_by_imports", {"count": str(left), "group": WAITING_GROUP}))
        if no_space is not None:
            raise no_space

    async def _import(self, account: Account, told: Told) -> State:
        if account.is_empty:
            await unbroken(self._make_empty(told))
            return told.state
        reading: Reading = await self._in_thread(self._source.read, account)
        doubles = [note for note in told.notes if note.code in {"same_account", "same_account_here"}]
        told.notes = [*account.notes, *reading.notes, *judge(reading.values), *doubles]  # its API may run, and write
        if (refused := refuses(told.notes, self._accepted)) is not None:
            return refused
        told.measure(reading.values)
        held = await self._arriving.held(told.group, told.instance)
        if held is not None:  # what the plan found in its place may be another thing by now
            if digest_of(held) == told.digest:
                return State.EQUAL
            told.notes += _compare_creds(held, reading.values)
            if (refused := refuses(told.notes, self._accepted)) is not None:
                return refused

        def arrived() -> None:
            told.state = State.IMPORTED  # at once: whoever interrupts this is told of it, too

        is_there = held is not None
        await self._arriving.arrive(told.group, told.instance, reading.values, replaces=is_there, arrived=arrived)
        return told.state

    async def _label(self, told: Told) -> None:
        """Give an instance its label, unless it has one: also one that was there already, of an earlier import."""
        try:
            await self._arriving.label(told.group, told.instance, told.label)
        except ClientError as error:  # the account is there, and that is what matters
            reason = error.message if isinstance(error, Refused) else str(error)
            told.notes.append(Note("label_not_given", {"label": shown(told.label), "reason": reason}))

    async def _make_empty(self, told: Told) -> None:
        is_new = await self._arriving.make_empty(told.group, told.instance)
        told.state = State.MADE_EMPTY if is_new else State.EQUAL


def _refusal_of(error: Refused) -> Note:
    return Note("worker_too_busy" if isinstance(error, Overloaded) else "refused_by_worker", {"reason": error.message})


def _allowed_label(label: str) -> tuple[str, list[Note]]:
    """Return a label as the worker takes it; nothing, and a note, where it cannot be one."""
    try:
        return check_label(label), []
    except LabelNotAllowed:
        return "", [Note("label_not_allowed", {"label": shown(label[:LONGEST_LABEL])})]


def _called(account: Account) -> Iterator[str]:
    """Yield what an account is called there, and what tells it best first."""
    yield account.origin
    if account.group:
        yield f"{account.group}/{account.name}"
    yield from (account.label, account.name)


def _tell_same_names(renamed: list[Told], planned: list[tuple[Account, Told]]) -> None:
    """Note accounts that have a new name which another one has, too: of their own names the source tells itself."""
    for one in renamed:
        place = one.group, one.instance
        others = [other.origin for _, other in planned if other is not one and (other.group, other.instance) == place]
        if others:
            one.notes.append(Note("same_new_name", {"others": ", ".join(sorted(others))}))


def _tell_doubles(told: Told, identity: str, identities: dict[str, Told]) -> None:
    """Note two accounts that are the same one, with both."""
    other = identities.setdefault(identity, told)
    if other is not told:
        told.notes.append(Note("same_account", {"others": other.origin}))
        other.notes.append(Note("same_account", {"others": told.origin}))


def _compare_creds(held: dict[str, bytes], values: dict[str, bytes]) -> Iterator[Note]:
    there = read_creds(held[CREDS]) if CREDS in held else None
    new = read_creds(values[CREDS])
    if CREDS not in held:
        yield Note("no_creds_here")
    elif there is None or new is None or there.identity != new.identity:
        yield Note("another_identity_here")
    elif there.next_pre_key > new.next_pre_key:
        yield Note("newer_here")
    else:
        yield Note("other_values_here")
