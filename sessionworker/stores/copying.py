"""The copy itself: each record of a source is brought into a target, unless it is there already; see `transfer`."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from sessionworker.stores.transfer import (
    Contents,
    CopyError,
    Digest,
    Listed,
    Source,
    Target,
    Totals,
    Unreadable,
    contents_of,
    sum_up,
)


class Result(Struct):
    """What a copy came to."""

    source: Totals
    """What was copied, as it was read."""
    target: Totals
    """What was read back."""
    written: int = 0
    """Instances that were written."""
    equal: int = 0
    """Instances that were equal already."""
    removed: int = 0
    """Instances that the target had, and the source has not any more."""
    left_out: list[str] = field(default_factory=list)
    """Sentences about what was not copied."""
    is_finished: bool = False


class Copying:
    """Copies a source into a target."""

    def __init__(
        self,
        source: Source,
        target: Target,
        *,
        without_broken: bool = False,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Copy from `source` to `target`; finish `without_broken` instances, if there are any.

        `advance` is told how many session files have been seen to.
        """
        self._source = source
        self._target = target
        self._without_broken = without_broken
        self._advance = advance
        self._read: dict[str, Contents] = {}
        self._read_back: dict[str, Contents] = {}
        self._result = Result(Totals(), Totals())

    def run(self, records: list[Listed]) -> Result:
        """Copy these records, which are all that the source has, and all groups. Raises CopyError."""
        source, target, result = self._source, self._target, self._result
        groups = source.groups()
        result.left_out = source.problems()
        target.begin()
        there = {one.id for one in target.records()}
        for id_ in sorted(there - {one.id for one in records}):
            if self._without_broken or not result.left_out:  # what cannot be told may be one of these
                self._remove(id_)
        target.keep_groups(groups)
        for listed in records:
            try:
                self._copy(listed.id, is_there=listed.id in there)
            except Unreadable as problem:
                result.left_out.append(str(problem))
                if self._without_broken and listed.id in there:
                    self._remove(listed.id)
            self._advance(listed.files)
        result.source = sum_up(groups, self._read)
        result.target = sum_up(target.groups(), self._read_back)
        if not result.left_out or self._without_broken:
            self._finish()
        return result

    def _remove(self, id_: str) -> None:
        self._target.remove(id_)
        self._result.removed += 1

    def _copy(self, id_: str, *, is_there: bool) -> None:
        if is_there:
            with self._source.opened(id_) as opened:
                if opened is None:
                    self._remove(id_)
                    return
                found, there = contents_of(opened), self._contents_there(id_)
            if there is not None and found.digest == there.digest:
                self._result.equal += 1
                self._read[id_], self._read_back[id_] = found, there
                return
        with self._source.opened(id_) as opened:
            if opened is None:
                if is_there:
                    self._remove(id_)
                return
            passing = Digest(opened)
            self._target.put(opened.record, passing)
            found, record = passing.contents, opened.record
        there = self._contents_there(id_)
        if there is None or there.digest != found.digest:
            raise CopyError(
                f"What was written of {record} was not read back as it was: {self._target.shown} is broken."
            )
        self._result.written += 1
        self._read[id_], self._read_back[id_] = found, there

    def _contents_there(self, id_: str) -> Contents | None:
        """Return what the target holds of an instance; None for nothing that can be read."""
        try:
            with self._target.opened(id_) as opened:
                return None if opened is None else contents_of(opened)
        except Unreadable:
            return None

    def _finish(self) -> None:
        result = self._result
        there = {one.id for one in self._target.records()}
        if there != self._read.keys() or result.source.digest != result.target.digest:
            raise CopyError(
                "The source was changed while it was read: instances were moved or renamed. Run it again to bring what "
                "has changed."
            )
        self._target.finish()
        result.is_finished = True
