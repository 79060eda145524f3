"""Looking at a store while nobody changes anything, and holding what it tells against the model."""

from __future__ import annotations

from functools import partial
from random import Random

from tests.simulation.conditions import Conditions
from tests.simulation.hands import FOREIGN
from tests.simulation.model import Model
from tests.simulation.nodes import BLOCK, NAMES_IN_A_BLOCK
from tests.simulation.operations import Check, History, Look, MakeCurrent, Send, Step, Write
from tests.simulation.records import Failure, Seen
from tests.simulation.state import CREDS, Account
from tests.simulation.subject import Refusal, Subject
from tests.simulation.worker import Worker

ENOUGH = 8
"""Blocks that must be freed on a full disk for a checkpoint to have no excuse."""

WAITING = 3
"""And for each account: new creds that were acknowledged take a file, a version, and a folder for that."""


class Inspection:
    """Asks the store, in a task of its own."""

    def __init__(self, worker: Worker, model: Model, subject: Subject, history: History) -> None:
        """Ask about the keys that are written in a history."""
        self._worker = worker
        self._model = model
        self._subject = subject
        self._keys = _keys_of(history)

    def glance(self, step: Step, random: Random, conditions: Conditions) -> None:
        """Read some keys of an instance that the step was about, or of another."""
        places = [place for operation in step.operations for place in _places_of(operation)]
        if not places or random.random() < 0.1:
            places = [(group, name) for group, of in sorted(self._model.state.groups.items()) for name in sorted(of)]
        if not places:
            return
        group, instance = random.choice(places)
        keys = [CREDS, random.choice(self._keys)]
        seen = Seen()

        def look() -> None:
            for key in keys:
                result = self._worker.ask(partial(self._worker.store.read, group, instance, key))
                seen.reads.append((group, instance, key, result))

        self._worker.call("a look", look)
        conditions.note_failed()
        self._model.see(seen, conditions.excuses)

    def look_at_all(self, random: Random, conditions: Conditions, *, everything: bool = False) -> None:
        """Read every key, and, by chance or if asked to, look at what the administrator sees."""
        seen = Seen()
        checks = random.random() < 0.5
        deeply = everything or random.random() < 0.4
        self._worker.call("a look at all", lambda: self._look(seen, checks=checks, deeply=deeply))
        conditions.note_failed()
        self._model.see(seen, conditions.excuses)
        self._worker.check_alive()

    def _look(self, seen: Seen, *, checks: bool, deeply: bool) -> None:
        ask, store = self._worker.ask, self._worker.store
        listed = ask(lambda: {group: store.instances(group) for group in store.groups() if group not in FOREIGN})
        if isinstance(listed, Refusal):
            seen.groups = listed
            return
        seen.groups = listed
        for group, instances in sorted(listed.items()):
            for instance in sorted(instances):
                if checks:
                    checked = ask(partial(store.check_creds, group, instance))
                    seen.checks.append((group, instance, checked))
                for key in self._keys:
                    value = ask(partial(store.read, group, instance, key))
                    seen.reads.append((group, instance, key, value))
                if deeply:
                    self._look_at_versions(seen, group, instance)
        if deeply:
            seen.drops = ask(store.drops)
            for group in sorted(listed):
                seen.counts.append((group, ask(partial(store.describe, group))))

    def _look_at_versions(self, seen: Seen, group: str, instance: str) -> None:
        ask, store = self._worker.ask, self._worker.store
        listed = ask(partial(store.versions, group, instance))
        if isinstance(listed, Refusal):
            seen.versions.append((group, instance, listed))
            return
        values = [
            None if each.is_deletion else ask(partial(store.read_version, group, instance, each.version))
            for each in listed
        ]
        if Refusal.MISSING in values:  # a checkpoint may have removed it meanwhile, and then it is not listed any more
            left = ask(partial(store.versions, group, instance))
            names = {each.version for each in (listed if isinstance(left, Refusal) else left)}
            pairs = [pair for pair in zip(listed, values, strict=True) if pair[0].version in names]
            seen.versions.append((group, instance, pairs))
            return
        seen.versions.append((group, instance, list(zip(listed, values, strict=True))))

    def blocks_of_file(self, group: str, instance: str, key: str) -> int:
        """Return the blocks that the file of a key occupies, if there is one."""
        try:
            node = self._worker.machine.disk.existing(self._subject.file(group, instance, key), None, follow=False)
        except OSError:
            return 0
        return node.blocks

    def check_room(self, when: str, *, freed: int = 0) -> None:
        """After a checkpoint: the disk holds what the model holds, and no more than the store's own besides.

        If much was deleted on a full disk, that must have made room for a checkpoint; `freed` tells how many blocks.
        """
        worker, subject = self._worker, self._subject
        refused = worker.call("a checkpoint", partial(worker.ask, worker.store.checkpoint))
        disk = worker.machine.disk
        if refused is Refusal.FULL and freed > ENOUGH + WAITING * len(self._accounts()):
            raise Failure("stopped", "deletions make no room", f"{when}, of files of {freed} blocks")
        if any(self._is_hurt(account) for account in self._accounts()):
            return
        most = self._most_blocks(subject.own_bytes)
        if disk.used_blocks > most:
            raise Failure(
                "stopped",
                "room does not come back",
                f"{when}: {disk.used_blocks} blocks are used, {most} at most should be"
                + (f"; a checkpoint is refused: {refused.value}" if isinstance(refused, Refusal) else ""),
            )

    def check_most(self) -> None:
        """At any time the store occupies no more besides values, versions and folders than it says."""
        disk, most = self._worker.machine.disk, self._most_blocks(self._subject.most_bytes)
        if disk.used_blocks > most and not any(self._is_hurt(account) for account in self._accounts()):
            raise Failure(
                "stopped", "more room is used than is said", f"{disk.used_blocks} blocks, {most} at most should be"
            )

    def _most_blocks(self, own_bytes: int) -> int:
        """Return the blocks that values, versions and folders need, and the store's own bytes."""
        blocks = sum(map(self._blocks_of, self._accounts())) + 2 * len(self._model.state.groups) + 4
        return blocks + -(-own_bytes // BLOCK)

    def _accounts(self) -> list[Account]:
        state = self._model.state
        live = [account for accounts in state.groups.values() for account in accounts.values()]
        return live + [dropped.account for dropped in state.drops]

    @staticmethod
    def _is_hurt(account: Account) -> bool:
        return bool(account.broken or account.is_gone or account.spoiled)

    def _blocks_of(self, account: Account) -> int:
        files = list(account.values.values())
        versions = [version.value or b"" for version in account.versions]
        names = -(-(len(files) + len(versions)) // NAMES_IN_A_BLOCK)
        blocks = sum(-(-len(value) // BLOCK) for value in (*files, *versions))
        return blocks + names + self._subject.blocks_of_an_instance


def _keys_of(history: History) -> list[str]:
    """Return all keys that are written, one that never is, and those that the simulation itself writes."""
    keys = {CREDS: None, "probe": None, "never-written": None}
    for step in history:
        for operation in step.operations:
            if isinstance(operation, Send):
                for entry in operation.entries:
                    if isinstance(entry, Write):
                        keys.update({change.key: None for change in entry.changes})
    return sorted(keys)


def _places_of(operation: object) -> list[tuple[str, str]]:
    match operation:
        case Send(entries):
            return [(entry.group, entry.instance) for entry in entries if isinstance(entry, Write)]
        case Look(group, instance) | Check(group, instance) | MakeCurrent(group, instance):
            return [(group, instance)]
    return []
