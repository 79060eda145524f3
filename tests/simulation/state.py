"""A plain dictionary of what a store holds, and what each request does to it.

A State never changes: a request makes another one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import NamedTuple

from tests.simulation.subject import (
    Batch,
    CreateGroup,
    CreateInstance,
    DropGroup,
    DropInstance,
    DropSeen,
    Holds,
    Label,
    Outcome,
    Purge,
    Put,
    Refusal,
    Request,
    Restore,
)

CREDS = "creds"


class Version(NamedTuple):
    """What `creds` were at some time; None where they were deleted."""

    identity: str
    value: bytes | None


class Account(NamedTuple):
    """One instance, from its creation on, through drops and restores."""

    values: Mapping[str, bytes]
    versions: tuple[Version, ...] = ()
    """All that its creds ever were, oldest first."""
    broken: frozenset[str] = frozenset()
    """Keys whose files were broken from outside since they were written last."""
    spoiled: frozenset[bytes] = frozenset()
    """Creds whose files among the versions were broken from outside."""
    is_gone: bool = False
    """Whether its folder was removed from outside, with all that was in it."""
    is_touched: bool = False
    """Whether somebody put something else in the place of its files: if a checkpoint was just there, nobody sees it."""
    is_copied: bool = False
    """Whether its folder was copied in, with creds that no version was kept of."""
    label: str = ""
    """What operators call it."""
    born: int = 0
    """When it was made, by the wall clock: what tells it from others of its name."""

    @property
    def holds(self) -> Holds:
        """How many values it has, their bytes, and its label."""
        return len(self.values), sum(map(len, self.values.values())), self.label

    @property
    def is_hurt(self) -> bool:
        """Whether something of it was broken from outside, so that it may be told wrongly what it holds."""
        return bool(self.broken or self.is_gone or self.is_touched)

    def creds_after_damage(self) -> set[bytes]:
        """Return the creds that a store may bring back where their file is broken: the newest that is whole."""
        current = self.values.get(CREDS)
        allowed = set() if current is None else {current}
        for version in reversed(self.versions):
            if version.value is not None and version.value not in self.spoiled:
                return allowed | {version.value}
        return allowed


class Dropped(NamedTuple):
    """An account that was dropped."""

    group: str
    name: str
    account: Account
    since: int
    """When, by the wall clock, at the earliest."""
    drop: str | None = None
    """What the store calls it, once it has told."""
    may_be_gone: bool = False
    """Whether a purge may have let go of it."""


class Unsure(Exception):
    """Too much is possible to go on."""


class State(NamedTuple):
    """Groups with their instances, and what was dropped, oldest first."""

    groups: Mapping[str, Mapping[str, Account]]
    drops: tuple[Dropped, ...] = ()
    used: frozenset[str] = frozenset()
    """What drops were called that are none any more."""

    def find(self, group: str, instance: str) -> Account | None:
        """Return an instance."""
        return self.groups.get(group, {}).get(instance)

    def with_account(self, group: str, instance: str, account: Account) -> State:
        """Return the same with an instance in its place."""
        return self._replace(groups={**self.groups, group: {**self.groups.get(group, {}), instance: account}})

    def without(self, group: str, instance: str) -> State:
        """Return the same without an instance."""
        rest = {name: account for name, account in self.groups[group].items() if name != instance}
        return self._replace(groups={**self.groups, group: rest})

    def changed_everywhere(self, born: int, change: Callable[[Account], Account]) -> State:
        """Return the same with an instance changed, wherever it is now, also among the drops."""
        groups = {
            group: {name: change(account) if account.born == born else account for name, account in of.items()}
            for group, of in self.groups.items()
        }
        drops = tuple(
            each._replace(account=change(each.account)) if each.account.born == born else each for each in self.drops
        )
        return self._replace(groups=groups, drops=drops)

    def changed(self, group: str, instance: str, change: Callable[[Account], Account]) -> State:
        """Return the same with an instance changed, if there is one."""
        account = self.find(group, instance)
        return self if account is None else self.with_account(group, instance, change(account))


EMPTY = State({})


@lru_cache(maxsize=512)
def identity_of(value: bytes) -> str:
    """Return what tells the creds of one identity from those of another."""
    fields = json.loads(value)
    return json.dumps([fields.get(name) for name in ("registrationId", "noiseKey", "signedIdentityKey")])


def is_creds(value: bytes) -> bool:
    """Tell whether something is creds at all: it may come from a file that was broken."""
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


def apply(state: State, request: Request, when: int) -> tuple[State, Outcome]:
    """Return what a request leads to, and how it is answered where nothing stands in its way."""
    match request:
        case Batch(group, instance):
            return _apply_batch(state, request, state.find(group, instance))
        case CreateGroup(group):
            return (state if group in state.groups else _with_group(state, group)), None
        case CreateInstance(group, instance):
            is_there = state.find(group, instance) is not None
            return (state if is_there else state.with_account(group, instance, Account({}, born=when))), None
        case DropInstance(group, instance):
            return (_drop(state, group, instance, when) if state.find(group, instance) else state), None
        case DropGroup(group):
            if group not in state.groups:
                return state, Refusal.MISSING
            for instance in sorted(state.groups[group]):
                state = _drop(state, group, instance, when)
            return state._replace(groups={name: of for name, of in state.groups.items() if name != group}), None
        case Restore(group, instance, drop, into, name, replaces):
            found = next((each for each in state.drops if each.drop == drop and each[:2] == (group, instance)), None)
            if found is None:
                return state, Refusal.MISSING
            after, back, replaced = _without_drop(state, found), found.account, state.find(into, name)
            if replaced is not None:
                if not replaces:
                    return state, Refusal.TAKEN
                after = _drop(after, into, name, when)
                back = back._replace(label=back.label or replaced.label)
            return after.with_account(into, name, back), None
        case Purge(group, instance, drop):
            found = next((each for each in state.drops if each.drop == drop and each[:2] == (group, instance)), None)
            return (state, Refusal.MISSING) if found is None else (_without_drop(state, found), None)
        case Label(group, instance, label):
            is_there = state.find(group, instance) is not None
            named = state.changed(group, instance, lambda one: one._replace(label=label))
            return named, None if is_there else Refusal.MISSING


def halves(state: State, request: Request, when: int) -> list[State]:
    """Return what else a crash may leave of a request that is several renames; never a part of a batch.

    A group without the instance that it was made for is nothing lost, nor is a group of which some instances are
    dropped: who asked was not answered, and asks again. Nor is the label of a place that another takes which has none.
    """
    match request:
        case CreateInstance(group, _) | Restore(into=group) if group not in state.groups:
            return [_with_group(state, group)]
        case Restore(_, _, drop, into, name, True) if state.find(into, name) is not None:
            after, _ = apply(state, request, when)
            own = [each.account.label for each in state.drops if each.drop == drop]
            return [after.changed(into, name, lambda one: one._replace(label=own[0]))] if own else []
        case DropGroup(group) if group in state.groups:
            found = []
            names = sorted(state.groups[group])
            for count in range(1, len(names) + 1):
                for some in combinations(names, count):
                    half = state
                    for name in some:
                        half = _drop(half, group, name, when)
                    found.append(half)
            return found
        case _:
            return []


def _apply_batch(state: State, batch: Batch, account: Account | None) -> tuple[State, Outcome]:
    if account is None:
        return state, Refusal.MISSING
    values, versions, broken = dict(account.values), account.versions, account.broken
    for change in batch.changes:
        if isinstance(change, Put):
            values[change.key] = change.value
            if change.key == CREDS:
                versions = (*versions, Version(identity_of(change.value), change.value))
        else:
            was_there = values.pop(change.key, None) is not None
            if change.key == CREDS and (was_there or CREDS in broken):
                versions = (*versions, Version("", None))
        if change.key in broken:
            broken -= {change.key}
    changed = account._replace(values=values, versions=versions, broken=broken)
    return state.with_account(batch.group, batch.instance, changed), None


def _without_drop(state: State, dropped: Dropped) -> State:
    rest = tuple(each for each in state.drops if each is not dropped)
    return state._replace(drops=rest, used=state.used | {dropped.drop or ""})


def _with_group(state: State, group: str) -> State:
    return state._replace(groups={**state.groups, group: {}})


def _drop(state: State, group: str, instance: str, when: int) -> State:
    account = state.groups[group][instance]
    dropped = Dropped(group, instance, account, when)
    return state.without(group, instance)._replace(drops=(*state.drops, dropped))


def learn_drops(state: State, listed: Sequence[DropSeen], *, all_are_listed: bool) -> State:
    """Note what a store calls the drops of a list, of each name the newest first.

    Where not all need be listed, the list was made a while ago, or while others were made: those are the newest.
    """
    drops = list(state.drops)
    for name in {seen[:2] for seen in listed}:
        known = {each.drop for each in drops if each[:2] == name}
        new = [seen.drop for seen in reversed(listed) if seen[:2] == name and seen.drop not in known]
        places = [place for place, each in enumerate(drops) if each[:2] == name and each.drop is None]
        if not all_are_listed and not state.used.isdisjoint(new):
            if places:
                raise Unsure  # it was brought back since, or that and dropped again, with the same name
            continue
        if len(places) > 1 and any(drops[b].since < drops[a].since for a, b in pairwise(places)):
            raise Unsure  # the clock was set back between them: which is the newer one is anybody's guess
        doubtful = [place for place in places if drops[place].may_be_gone or drops[place].account.is_gone]
        if len(new) != len(places) and doubtful:
            if not all_are_listed:
                raise Unsure
            for place in doubtful[: max(0, len(places) - len(new))]:
                places.remove(place)
        for place, drop in zip(places, new, strict=False):
            drops[place] = drops[place]._replace(drop=drop)
    return state._replace(drops=tuple(drops))
