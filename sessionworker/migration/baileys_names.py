"""The file names of Baileys' `useMultiFileAuthState`, and the keys that they stand for.

Its `fixFileName` puts `__` for `/` and then `-` for `:`. That is not one to one, so the way back goes by the type of a
key: what its ids can look like. Several other programs name the fields of their own stores so.
"""

from __future__ import annotations

import re

from sessionworker.names import CREDS, KEY_TYPES

ENDING = ".json"

_looks_like_a_key = re.compile(r"[a-z]+(?:-[a-z]+)*-[^/]*[0-9][^/]*").fullmatch

_TYPES_WITH_IDS = tuple(kind for kind in KEY_TYPES if kind != CREDS)


def file_name_of(key: str) -> str:
    """Return how Baileys calls a key's file, without its ending."""
    return key.replace("/", "__").replace(":", "-")


def key_of(name: str) -> str | None:
    """Return the key that a name of Baileys stands for, given without its ending; None for what is no key of it."""
    if name == CREDS:
        return name
    found = type_and_id_of(name)
    if found is None:
        return None
    kind, id_ = found
    if kind == "sender-key":
        id_ = id_.replace("--", "::")  # old ids of groups hold one single dash
    elif kind == "app-state-sync-key":
        id_ = id_.replace("__", "/")  # base64 has no underscore
    return f"{kind}-{id_}"


def type_and_id_of(key: str) -> tuple[str, str] | None:
    """Return the type of a key and its id; None for `creds`, and for what Baileys has no type for."""
    for kind in _TYPES_WITH_IDS:
        if key.startswith(f"{kind}-"):
            id_ = key[len(kind) + 1 :]
            return (kind, id_) if id_ else None
    return None


def is_of_unknown_type(name: str) -> bool:
    """Tell whether a name that `key_of` knows nothing of may be a key of a type that comes one day."""
    return _looks_like_a_key(name) is not None


def is_ambiguous(name: str) -> bool:
    """Tell whether a name of an unknown type may stand for another one."""
    return "__" in name or "--" in name
