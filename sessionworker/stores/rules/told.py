"""What the operator is told of an instance, in the same words whatever the store."""

from __future__ import annotations

from collections.abc import Sequence

from sessionworker.events import Event
from sessionworker.stores.rules.creds import Oddity

GAVE_UP = "gave up its place to another and was dropped; it can be brought back"
"""What was done to an instance that another one replaces."""


def moved(event: str, group: str, instance: str, what: str, by: str) -> Event:
    """Tell of something that was done to an instance, or to a whole group."""
    subject = f"Instance {instance!r} in group {group!r}" if instance else f"Group {group!r}"
    asked = f", as {by} asked" if by else ""
    return Event(event, f"{subject} {what}{asked}.", group, instance, by, "info")


def brought_back(group: str, instance: str, into: str, name: str, by: str) -> Event:
    """Tell that an instance that was dropped is back, in which group and under which name."""
    as_what = f" as {name!r}" if name != instance else ""
    where = f" in group {into!r}" if into != group else ""
    return moved("instance_restored", group, instance, f"was brought back{as_what}{where}", by)


def odd_creds(group: str, instance: str, oddity: Oddity) -> Event:
    """Tell what is odd about new creds."""
    creds = f"The creds of {_in_words(group, instance)}"
    match oddity:
        case Oddity.ANOTHER_IDENTITY:
            text = f"{creds} are of another identity now. The last ones of the old one are kept."
            return Event("identity_changed", text, group, instance, level="warn")
        case Oddity.OUT_OF_ORDER:
            text = f"{creds} came out of order: older ones over newer ones. Both are kept."
            return Event("creds_out_of_order", text, group, instance, level="warn")


def version_restored(group: str, instance: str, by: str) -> Event:
    """Tell that an operator brought older creds back."""
    who = _in_words(group, instance)
    text = f"Older creds of {who} were made the current ones again. Those before them are kept."
    return Event("version_restored", text, group, instance, by, "info")


def creds_restored(group: str, instance: str, problem: str) -> Event:
    """Tell that creds were broken, and older ones take their place."""
    who = _in_words(group, instance)
    text = f"The creds of {who} could not be read ({problem}); the newest good version takes their place."
    return Event("creds_restored", text, group, instance, level="warn")


def creds_lost(group: str, instance: str, problem: str) -> Event:
    """Tell that creds are broken, and that there are none to take their place."""
    who = _in_words(group, instance)
    text = (
        f"The creds of {who} cannot be read ({problem}), and no older version is left. The instance is "
        "refused until its creds are restored from a backup, or the instance is dropped to be paired again."
    )
    return Event("creds_lost", text, group, instance)


def owner_changed(group: str, instance: str, before: str, now: str) -> Event:
    """Tell that another owner took an instance."""
    text = f"Owner {now!r} has {_in_words(group, instance)} now. Before, it was {before!r}."
    return Event("owner_changed", text, group, instance, level="info")


def lease_ended(group: str, instance: str, owner: str, by: str) -> Event:
    """Tell that an operator ended the lease of an owner."""
    who = _in_words(group, instance)
    text = f"The lease of {who} was ended, as {by or 'an operator'} asked. Owner {owner!r} had it."
    return Event("lease_ended", text, group, instance, by, "info")


def written_in_turns(group: str, instance: str, peers: Sequence[str]) -> Event:
    """Tell of two that write an instance in turns."""
    text = (
        f"Writes of {_in_words(group, instance)} come in turns from {' and '.join(peers)}. If these are two programs "
        "with one account, WhatsApp disconnects them in turns (440): stop one of them."
    )
    return Event("written_in_turns", text, group, instance, level="warn")


def _in_words(group: str, instance: str) -> str:
    return f"instance {instance!r} in group {group!r}"
