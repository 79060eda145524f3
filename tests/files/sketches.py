"""Folders as others leave them: session-manager, and sessionworker 0.1.0."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.contract.words import creds

# session-manager: a folder for each instance, named as it was called, and files named as the key stood in the URL


OLD_FILES = {
    "creds": creds(3),
    "a%20b%3A": b'"escaped without need"',
    "c d": b'"as it is"',
    "AA%2FBB": b'"escaped of need"',
    "100%": b'"no escape"',
    "s%C3%A3o": b'"accents, escaped"',
    "joão": b'"accents"',
    ".x": b'"a leading dot"',
    "sender-key-1@g.us::1_1::5": b'"colons"',
}

OLD_VALUES = {
    "creds": creds(3),
    "a b:": b'"escaped without need"',
    "c d": b'"as it is"',
    "AA/BB": b'"escaped of need"',
    "100%": b'"no escape"',
    "são": b'"accents, escaped"',
    "joão": b'"accents"',
    ".x": b'"a leading dot"',
    "sender-key-1@g.us::1_1::5": b'"colons"',
}

GIVEN_BACK = {
    **{key: value for key, value in OLD_VALUES.items() if key != "AA/BB"},
    "AA%2FBB": b'"escaped of need"',
}
"""The same files after use: those that it can look for at all have the names by which it does."""


def leave_files(instance_folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is made."""
    for name, value in files.items():
        path = instance_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)


# sessionworker 0.1.0: every name escaped as a URL's, and its own things in other places

GROUP, INSTANCE = "Loja São", ".balcão 1"
OLD_GROUP, OLD_INSTANCE = "Loja%20S%C3%A3o", "%2Ebalc%C3%A3o%201"

OLD_DROPS = {
    "1700000000000-0": {"creds": creds(1, 7), "k%C3%A9": b'"of the first"'},
    "1700000000001-0": {"creds": creds(1, 8)},
    "1700000000001-1": {"creds": creds(1, 9)},
}
"""Instances of one name that it dropped; a clock that stood still is told by the second number."""


def leave_0_1_0(folder: Path) -> None:
    """Write a store as 0.1.0 leaves it after a clean end."""
    instance = folder / OLD_GROUP / OLD_INSTANCE
    leave_files(
        instance,
        {
            "creds": creds(3),
            "a%20b": b'"1"',
            "k%2F%C3%A9": b'"2"',
            "%2Ex": b'"3"',
            ".versions/1699999999990-0.0123456789ab.1": creds(1),
            ".versions/1699999999995-1.0123456789ab.2": creds(2),
            ".versions/1699999999999-0.0123456789ab.3": creds(3),
            ".aside/1699999999991-creds": b"broken",
        },
    )
    ours = folder / ".sessionworker"
    for name, files in OLD_DROPS.items():
        leave_files(ours / "dropped" / OLD_GROUP / OLD_INSTANCE / name, files)
    leave_files(ours, {"lock": b"", "token": b"secret\n", "clock": b"1700000000002", "journal/spare": bytes(2**16)})
    (ours / "staged").mkdir()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
