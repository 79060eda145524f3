"""What people and rot do to an instance's folder, behind the store's back."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.simulation.disk import Disk
from tests.simulation.machine import Machine
from tests.simulation.model import Model
from tests.simulation.nodes import File, Folder
from tests.simulation.operations import Hand
from tests.simulation.person import Person, all_folders, rot
from tests.simulation.records import Excuses
from tests.simulation.state import CREDS, Account, Version, identity_of
from tests.simulation.subject import ROOT, Subject
from tests.simulation.values import Creds, to_bytes

JUNK = "junk-of-somebody"

OF_A_KEY = ("rot", "remove", "folder instead", "link instead")
OF_VERSIONS = ("rot a version", "versions are a file")
OF_A_FOLDER = ("unwritable", "unreadable", "away", "file in its place", "link in its place", "gone", "junk")
WHILE_STOPPED = ("copied in", "foreign")
"""What people do only while the worker is stopped."""

FOREIGN = ("lost+found", "\udcff", "notes.txt", "link")
"""What stands in the store beside its groups, and is nobody's."""

Undo = Callable[[], None]


class Hands:
    """Each change is durable at once, and tells the model what it may mean."""

    def __init__(self, machine: Machine, subject: Subject, model: Model, excuses: Excuses) -> None:
        """Change the disk that the machine has at the time."""
        self.is_stopped = False
        """Whether the worker is stopped now."""
        self._machine = machine
        self._person = Person(machine)
        self._subject = subject
        self._model = model
        self._excuses = excuses

    @property
    def _disk(self) -> Disk:
        return self._machine.disk

    def do(self, hand: Hand) -> Undo | None:
        """Change something; return how to undo it, or None where it stays so, or nothing was changed."""
        with self._person.as_somebody_else():
            undo = self._do(hand)
        if hand.what in ("unwritable", "unreadable", "foreign") and undo is not None:
            self._disk.is_guarded = True
        return None if undo is None else lambda: self._undo(undo)

    def _undo(self, undo: Undo) -> None:
        with self._person.as_somebody_else():
            undo()

    def _do(self, hand: Hand) -> Undo | None:
        group, instance = hand.group, hand.instance
        if hand.what in WHILE_STOPPED:
            return self._do_while_stopped(hand)
        account = self._model.state.find(group, instance)
        folder = self._person.find(self._subject.folder(group, instance))
        if account is None or account.is_gone or not isinstance(folder, Folder):
            return None
        if hand.what in OF_A_KEY:
            self._hurt_key(hand)
            return None
        match hand.what:
            case "rot a version":
                self._rot_version(hand)
                return None
            case "versions are a file":
                return self._replace_versions(hand)
            case "unwritable" | "unreadable":
                return self._forbid(hand, folder)
            case "gone":
                self._person.remove(folder)
                self._change(hand, lambda found: found._replace(is_gone=True))
                return None
            case "junk":
                self._put_junk(hand)
                return None
        return self._take_away(hand)

    def _do_while_stopped(self, hand: Hand) -> Undo | None:
        if not self.is_stopped:
            return None
        if hand.what == "foreign":
            return self._put_foreign()
        self._copy_in(hand)
        return None

    def _copy_in(self, hand: Hand) -> None:
        """Put a folder in the place of an instance that there is not, as one of session-manager's."""
        path = self._subject.folder(hand.group, hand.instance)
        group = os.path.dirname(path)  # noqa: PTH120 - of the simulated disk
        is_there = self._model.state.find(hand.group, hand.instance) is not None or self._person.find(path) is not None
        if is_there or not path.startswith(ROOT) or not self._subject.takes_in:
            return
        if self._person.find(group) is None:
            self._disk.mkdir(group)
            self._person.sync(ROOT)
        self._disk.mkdir(path)
        creds = to_bytes(Creds(1, "1", hand.number, 50))
        values = {CREDS: creds, hand.key: b"%d" % hand.number} if hand.key != CREDS else {CREDS: creds}
        for key, value in values.items():
            handle = self._disk.open(self._subject.file(hand.group, hand.instance, key), os.O_WRONLY | os.O_CREAT)
            self._disk.write(handle, value)
            self._disk.fsync(handle)
            self._disk.close(handle)
        self._person.sync(path, group)
        version = Version(identity_of(creds), creds)
        account = Account(values, (version,), is_copied=True, born=self._machine.wall_clock())
        self._model.change(lambda state: state.with_account(hand.group, hand.instance, account))
        if self._excuses.is_full:  # it has no id yet, and that takes room
            self._excuses.instances.add((hand.group, hand.instance))

    def _put_foreign(self) -> Undo | None:
        """Put what is nobody's beside the groups, as the root of a volume has it."""
        folder, odd, file, link = (f"{ROOT}/{name}" for name in FOREIGN)
        if self._person.find(folder) is not None:
            return None
        self._disk.mkdir(folder)
        self._disk.chmod(folder, 0)
        self._disk.mkdir(odd)
        self._person.put_file(file)
        self._disk.symlink("/elsewhere/nothing", link)
        self._person.sync(ROOT)

        def undo() -> None:
            for path in (folder, odd):
                self._disk.rmdir(path)
            for path in (file, link):
                self._disk.unlink(path)
            self._person.sync(ROOT)

        return undo

    def _change(self, hand: Hand, change: Callable[[Account], Account]) -> None:
        self._model.change_account(hand.group, hand.instance, change)

    def _is_still(self, hand: Hand, taken: Account) -> bool:
        """Tell whether an instance was neither dropped nor made again meanwhile."""
        now = self._model.state.find(hand.group, hand.instance)
        return now is not None and now.born == taken.born

    # Keys

    def _hurt_key(self, hand: Hand) -> None:
        path = self._subject.file(hand.group, hand.instance, hand.key)
        file = self._person.find(path)
        if not isinstance(file, File):
            return
        if hand.what == "rot":
            rot(file)
        else:
            self._disk.unlink(path)
            if hand.what == "folder instead":
                self._disk.mkdir(path)
                self._disk.mkdir(f"{path}/inside")
                self._person.sync(path)
            elif hand.what == "link instead":
                self._disk.symlink("/elsewhere/nothing", path)
            self._person.sync(os.path.dirname(path))  # noqa: PTH120 - of the simulated disk
        is_touched = hand.what != "rot"
        self._change(
            hand,
            lambda account: account._replace(
                broken=account.broken | {hand.key}, is_touched=account.is_touched or is_touched
            ),
        )

    def _put_junk(self, hand: Hand) -> None:
        folder = self._subject.folder(hand.group, hand.instance)
        self._person.count += 1
        path = f"{folder}/{JUNK}-{self._person.count}"
        disk = self._disk
        disk.mkdir(path)
        disk.symlink("nowhere", f"{path}-link")
        handle = disk.open(f"{path}-\udcff", os.O_WRONLY | os.O_CREAT)
        disk.write(handle, b"{")
        disk.close(handle)
        self._person.sync(folder)
        self._change(hand, lambda account: account._replace(broken=account.broken | {JUNK}))

    # Versions

    def _rot_version(self, hand: Hand) -> None:
        folder = self._person.find(self._subject.versions_folder(hand.group, hand.instance))
        if not isinstance(folder, Folder) or not folder.names:
            return
        names = sorted(folder.names)
        name = names[-1 - len(hand.key) % min(2, len(names))]
        file = folder.names[name]
        if isinstance(file, File) and file.data:
            value = self._subject.version_in(hand.group, hand.instance, name, bytes(file.data))
            rot(file)
            self._change(hand, lambda account: account._replace(spoiled=account.spoiled | {value}))

    def _replace_versions(self, hand: Hand) -> Undo | None:
        path = self._subject.versions_folder(hand.group, hand.instance)
        above = self._person.find(os.path.dirname(path))  # noqa: PTH120 - of the simulated disk
        if not isinstance(above, Folder):
            return None
        kept = self._person.move_away(path) if isinstance(self._person.find(path), Folder) else None
        self._person.put_file(path)
        self._person.sync(self._disk.path_of(above))
        self._excuses.instances.add((hand.group, hand.instance))
        taken, number = self._model.state.groups[hand.group][hand.instance], above.number

        def undo() -> None:  # wherever the instance is now
            for folder in all_folders(self._disk.root):  # after a crash it is another object
                if folder.number == number:
                    now = self._disk.path_of(folder)
                    place = f"{now}/{os.path.basename(path)}"  # noqa: PTH119 - of the simulated disk
                    if isinstance(self._person.find(place), File):
                        self._disk.unlink(place)
                    if kept is not None and self._person.find(place) is None:
                        self._disk.rename(kept, place)
                        self._person.sync(now, "/elsewhere")
                        return
                    self._person.sync(now)
            self._model.change(lambda state: state.changed_everywhere(taken.born, _without_versions))

        return undo

    # The folder

    def _forbid(self, hand: Hand, folder: Folder) -> Undo:
        folder.mode = 0o500 if hand.what == "unwritable" else 0o000
        self._excuses.instances.add((hand.group, hand.instance))
        number = folder.number

        def undo() -> None:
            for node in all_folders(self._disk.root):  # after a crash it is another object
                if node.number == number:
                    node.mode = 0o700

        return undo

    def _take_away(self, hand: Hand) -> Undo:
        path = self._subject.folder(hand.group, hand.instance)
        group = os.path.dirname(path)  # noqa: PTH120 - of the simulated disk
        above = self._person.find(group)
        assert isinstance(above, Folder)
        number = above.number
        kept = self._person.move_away(path)
        if hand.what == "file in its place":
            self._person.put_file(path)
        elif hand.what == "link in its place":
            self._disk.symlink("/elsewhere/nothing", path)
        self._person.sync(group)
        self._excuses.away.add((hand.group, hand.instance))
        taken, name = self._model.state.groups[hand.group][hand.instance], os.path.basename(path)  # noqa: PTH119

        def undo() -> None:
            folders = (each for each in all_folders(self._disk.root) if each.number == number)  # under its name now
            found = next(folders, None)
            group = "/none" if found is None else self._disk.path_of(found).rstrip("/")
            path = f"{group}/{name}"
            there = self._person.find(path)
            if there is not None and not isinstance(there, Folder):
                self._disk.unlink(path)
                self._person.sync(group)
                there = None
            if self._is_still(hand, taken) and there is None and isinstance(self._person.find(group), Folder):
                self._disk.rename(kept, path)
                self._person.sync(group, "/elsewhere")
            else:
                self._model.change(
                    lambda state: state.changed_everywhere(taken.born, lambda found: found._replace(is_gone=True))
                )

        return undo


def _without_versions(account: Account) -> Account:
    return account._replace(spoiled=frozenset(version.value for version in account.versions if version.value))
