"""What stands where an account is to be written, in words."""

from __future__ import annotations

from sessionworker.migration.judging import account_of, is_paired, read_object
from sessionworker.migration.readers.collecting import shown
from sessionworker.migration.targets.target import TargetError
from sessionworker.stores.rules.creds import read_creds


def refusal(name: str, place: str, held: bytes | None, new: bytes) -> TargetError:
    """Return the error for something that an instance has already: `held` creds, which `new` ones would replace."""
    said = "something" if held is None else _said_of(held, new)
    return TargetError(
        f"The instance {shown(name)} has {said} in {place} already, and is left as it is. To have all that it has "
        "replaced, make a backup first, and give --replace."
    )


def _said_of(held: bytes, new: bytes) -> str:
    document = read_object(held)
    there, here = read_creds(held), read_creds(new)
    if document is None or there is None:
        return "creds that cannot be read"
    if not is_paired(document):
        return "creds that nobody has paired"
    if here is None or there.identity != here.identity:
        number = account_of(document)
        return f"creds of another pairing{f', of the number {shown(number)},' if number else ''}"
    return "newer creds of the same pairing" if there.next_pre_key > here.next_pre_key else "creds of the same pairing"
