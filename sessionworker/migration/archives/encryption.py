"""Encrypts archives as `age` does (age-encryption.org/v1), by its library for Python: `age` itself opens them, too.

With a passphrase an archive is encrypted to a key of its own, which stands in its first line, encrypted with the
passphrase: so however large it is, it passes through as a stream.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from sessionworker.migration.archives.records import ArchiveError

BEGINNING = b"age-encryption.org/v1"
"""What is encrypted begins so."""

MISSING = "Encrypted archives need the library pyrage: pip install 'sessionworker[migrate]'."


class _Locked(Struct, frozen=True, tag="locked", tag_field="record"):
    """The first line of an archive that has a passphrase."""

    identity: str
    """The key that opens the rest, encrypted with the passphrase, in Base64."""


class Lock(Struct, frozen=True):
    """To whom an archive is encrypted: public keys of age, or a passphrase; to nobody where neither is given."""

    recipients: tuple[str, ...] = ()
    passphrase: str = ""

    def __bool__(self) -> bool:
        """Whether anything is encrypted."""
        return bool(self.recipients or self.passphrase)

    def over(self, out: BinaryIO) -> Piped:
        """Return a stream; what is written to it goes encrypted into `out`. Raises ArchiveError."""
        pyrage = _library()
        try:
            recipients: list[Any] = [pyrage.x25519.Recipient.from_str(one) for one in self.recipients]
        except pyrage.RecipientError:
            raise ArchiveError("A recipient is no public key of age: those begin with 'age1'.") from None
        if self.passphrase:
            identity = pyrage.x25519.Identity.generate()
            recipients = [identity.to_public()]
            locked = pyrage.passphrase.encrypt(str(identity).encode(), self.passphrase)
            out.write(msgspec.json.encode(_Locked(b64encode(locked).decode())) + b"\n")
        kept = _Kept(out)
        return Piped(lambda plain: pyrage.encrypt_io(plain, kept, recipients), kept)


class Unlock:
    """What opens an encrypted archive: a file with identities of age, which is read once, or a passphrase."""

    def __init__(self, identities: Path | None = None, passphrase: str = "") -> None:
        """Name the file; it is not read before it is needed."""
        self._identities = identities
        self._passphrase = passphrase
        self._lines: list[str] | None = None

    def under(self, found: BinaryIO) -> Piped:
        """Return a stream that gives what `found` holds encrypted, which is at its beginning. Raises ArchiveError."""
        pyrage = _library()
        first = found.read(1)
        found.seek(0)
        try:
            identities = [self._of_passphrase(found.readline())] if first == b"{" else self._of_file()
        except pyrage.IdentityError:
            raise ArchiveError("What is in the file of --identity is no key of age: AGE-SECRET-KEY-1...") from None
        except pyrage.DecryptError:
            raise ArchiveError("The passphrase does not open it.") from None
        return Piped(lambda plain: pyrage.decrypt_io(found, plain, identities))

    def _of_passphrase(self, line: bytes) -> Any:
        if not self._passphrase:
            raise ArchiveError("It is encrypted with a passphrase: name a file of it with --passphrase-file.")
        pyrage = _library()
        try:
            locked = b64decode(msgspec.json.decode(line, type=_Locked).identity, validate=True)
        except (msgspec.MsgspecError, ValueError):
            raise ArchiveError("Its first line is not one of an archive.") from None
        return pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(locked, self._passphrase).decode())

    def _of_file(self) -> list[Any]:
        if self._identities is None:
            raise ArchiveError("It is encrypted: name the file of the key that opens it with --identity.")
        if self._lines is None:  # a pipe gives it once, and an archive is opened several times
            try:
                self._lines = [line.strip() for line in self._identities.read_text("utf-8-sig").splitlines()]
            except (OSError, UnicodeDecodeError):
                raise ArchiveError("The file of the identity cannot be read.") from None
        keys = [line for line in self._lines if line and not line.startswith("#")]
        found = [_library().x25519.Identity.from_str(key) for key in keys]
        if not found:
            raise ArchiveError("There is no identity in the file of --identity.")
        return found


def is_locked(beginning: bytes) -> bool:
    """Tell by its beginning whether an archive is encrypted."""
    return beginning.startswith((BEGINNING, b'{"record":"locked"'))


class _Kept:
    """Writes to a stream, and keeps why that failed, which the library does not tell."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._out.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._out.flush()


class Piped:
    """One end of a pipe; at the other one a thread encrypts or decrypts, which the library does as a whole."""

    def __init__(self, work: Callable[[BinaryIO], None], out: _Kept | None = None) -> None:
        """Have `work` done with the other end. This one is written to, if that goes on to `out`, or else read from."""
        reading, writing = os.pipe()
        self._out = out
        own, others = (reading, writing) if out is None else (writing, reading)
        self._own = os.fdopen(own, "rb" if out is None else "wb")
        self._failure: list[Exception] = []
        self._thread = Thread(target=self._run, args=(work, others), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[BinaryIO], None], end: int) -> None:
        try:
            with os.fdopen(end, "wb" if self._out is None else "rb") as other:
                work(other)
        except Exception as error:  # noqa: BLE001 - told to whoever uses this end
            self._failure.append(error)

    def write(self, data: bytes) -> int:
        """Hand over some bytes. Raises OSError, or ArchiveError."""
        try:
            return self._own.write(data)
        except BrokenPipeError:
            self._end()
            raise

    def flush(self) -> None:
        """Hand over what was written."""
        with suppress(BrokenPipeError):  # told by `close`
            self._own.flush()

    def read(self, most: int = -1) -> bytes:
        """Return some bytes, none at the end. Raises ArchiveError."""
        data: bytes = self._own.read(most)
        if not data and most:
            self._end()
        return data

    def close(self) -> None:
        """End it, and see that all went through. Raises OSError, or ArchiveError."""
        with suppress(BrokenPipeError):
            self._own.close()
        if self._out is None:
            self._thread.join()  # what was not read any more is no failure
        else:
            self._end()

    def _end(self) -> None:
        self._thread.join()
        if self._out is not None and self._out.error is not None:
            raise self._out.error
        if self._failure:
            raise ArchiveError(
                "It cannot be decrypted: it is damaged, or another key opens it."
                if self._out is None
                else "It cannot be encrypted."
            )


def _library() -> Any:
    try:
        import pyrage  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError:
        raise ArchiveError(MISSING) from None
    return pyrage
