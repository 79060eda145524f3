"""Reports as commands write them, for the page to show."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sessionworker.migration.notes import Note
from sessionworker.migration.reports import Report, State, Told

HOSTILE = "<script>alert(1)</script>&amp;\"'\u202e"

OLDER = Note("creds_older_than_keys", {"highest": "812", "next": "801"})


def written(report: Report) -> bytes:
    """A report as `--report` writes it."""
    return msgspec.json.format(msgspec.json.encode(report.document())) + b"\n"


def told(instance: str, state: State = State.IMPORTED, notes: Sequence[Note] = (), **others: str) -> Told:
    """An account of a report."""
    return Told(
        "codechat", instance, f"instances/{instance}", **others, state=state, keys=870, bytes=1234567, notes=[*notes]
    )


def report(*accounts: Told, notes: Sequence[Note] = (), is_dry: bool = False, source: str = "instances") -> bytes:
    """A report as `--report` writes it, of accounts."""
    return written(Report(source, is_dry, [*accounts], [*notes]))


def several() -> bytes:
    """A report with something of everything, in no order."""
    return report(
        told("sales", label="Loja Centro"),
        told("half", State.LEFT_OUT, [Note("not_paired")]),
        told("torn", State.FAILED, [Note("creds_not_whole", {"names": "noiseKey"}), OLDER]),
        told("old", State.EQUAL, [OLDER]),
        told(HOSTILE, State.READY, [Note("skipped_foreign", {"count": "2", "names": HOSTILE})], label=HOSTILE),
        notes=[Note("map_not_used", {"count": "1", "names": "nobody"})],
    )


def many(count: int, notes: int = 3) -> bytes:
    """A report of as many accounts, each of which has as many notes, as from an Evolution."""
    accounts = []
    for number in range(count):
        name = f"3f0a9c12-7be4-4d51-9f3e-0c1d2e{number:06x}"
        others = Note("same_account", {"others": f"row {name} of Session"})
        odd = Note("skipped_foreign", {"count": "7", "names": ", ".join(f"odd-{odd}.json" for odd in range(5))})
        one = told(name, notes=[OLDER, odd, others][:notes], label=f"Loja {number}")
        one.origin, one.digest = f"row {name} of Session, evolution:instance:{name}", "0" * 64
        accounts.append(one)
    return report(*accounts)
