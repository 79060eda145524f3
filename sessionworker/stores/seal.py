"""How values and names lie at rest where there is a key: sealed, so that a thief of the disk gets neither.

A value is sealed with AES-256-GCM (NIST SP 800-38D) to what it is: the purpose, the instance and the key of which it
is the value. It opens nowhere else. 96 random bits are its nonce; the same must never come twice under a key. So no
more than MOST_OF_A_SALT values are sealed under one: then 128 new random bits, the salt, give a new one by HKDF
(RFC 5869), and so does each start. Of 2**32 values two have the same nonce and the same key with a probability of
2**-41. Nothing is counted on the disk, and nothing comes twice where a machine is set back to an earlier state.

    sealed value    MARK, 4 bytes of the key's id, 16 of the salt, 12 of the nonce, what is sealed, 16 of the tag

A name is sealed with AES-SIV (RFC 5297), the same name in the same place always to the same: so it can be looked up.
"""

from __future__ import annotations

import os
import re
from base64 import b32encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
"""Bytes of a key, all of them random."""

MARK = b"\x00sw1"
"""What a sealed value begins with, and no JSON text does."""

MOST_OF_A_SALT = 2**24
"""Values that are sealed with one salt."""

MANY_SALTS = 4096
"""Salts whose keys are remembered: each start of the worker has its own."""

_MARKED = b"\0"  # AES-SIV seals no empty name, and no name holds this

_only_letters = re.compile("[a-z2-7]+").fullmatch
_BITS = 5
_DIGITS = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
"""From the letters of base 32 (RFC 4648, section 6) to those that `int` reads."""

_ID, _SALT, _NONCE, _TAG = 4, 16, 12, 16
OVERHEAD = len(MARK) + _ID + _SALT + _NONCE + _TAG
"""Bytes that a value takes more when it is sealed."""

NAME_OVERHEAD = 16
"""The same of a name, before it is written in letters."""


class NotOpened(Exception):
    """Something sealed that none of the keys opens: it is another's, or it was changed."""


class Key:
    """One key, and what is derived of it."""

    def __init__(self, secret: bytes) -> None:
        """Take KEY_BYTES random bytes. Raises ValueError for another number."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._secret = secret
        self.id = sha256(b"sessionworker key id" + secret).digest()[:_ID]
        """Tells keys apart; it says nothing of the key."""
        self.name = self.id.hex()
        """The same, for people."""
        self.names = AESSIV(_derive(secret, b"", b"names", 64))
        self.under = lru_cache(MANY_SALTS)(self._under)
        """Return what seals under a salt."""

    def _under(self, salt: bytes) -> AESGCM:
        return AESGCM(_derive(self._secret, salt, b"values", KEY_BYTES))


class KeyRing(NamedTuple):
    """The keys that a store is opened with."""

    keys: Sequence[Key]
    """At least one. With the first is sealed, with any opened."""
    writes_plain: bool = False
    """Whether nothing is sealed any more."""
    admits_plain: bool = False
    """Whether something that is not sealed is taken as it is, until all is sealed; it is where nothing was before."""


class Seal:
    """Seals with the first of some keys, and opens what any of them sealed. Any thread may call."""

    def __init__(self, keys: Sequence[Key]) -> None:
        """Have at least one key."""
        self._keys = {key.id: key for key in reversed(keys)}
        self._first = keys[0]
        self._renew()

    def _renew(self) -> None:
        salt = os.urandom(_SALT)
        # One object, so that a thread which is in between sees a whole one.
        self._now = (self._first.under(salt), MARK + self._first.id + salt, [0])

    def seal(self, value: bytes, *bound: bytes) -> bytes:
        """Return a value sealed to what it is bound to."""
        sealing, head, count = self._now
        count[0] += 1  # not exact where threads meet: it need not be
        if count[0] >= MOST_OF_A_SALT:
            self._renew()
        nonce = os.urandom(_NONCE)
        return head + nonce + sealing.encrypt(nonce, value, _join(head, *bound))

    def open(self, sealed: bytes, *bound: bytes) -> bytes:
        """Return what was sealed to the same. Raises NotOpened."""
        key = self.key_of(sealed)
        if key is None:
            raise NotOpened
        begin = len(MARK) + _ID + _SALT
        head, nonce = sealed[:begin], sealed[begin : begin + _NONCE]
        try:
            return key.under(head[-_SALT:]).decrypt(nonce, sealed[begin + _NONCE :], _join(head, *bound))
        except InvalidTag:
            raise NotOpened from None

    def key_of(self, sealed: bytes) -> Key | None:
        """Return the key under which a value says that it was sealed, if it is one of these."""
        if len(sealed) < OVERHEAD or not is_sealed(sealed):
            return None
        return self._keys.get(sealed[len(MARK) : len(MARK) + _ID])

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether a value is sealed with the first key."""
        return self.key_of(sealed) is self._first

    def seal_name(self, name: str, *place: bytes) -> str:
        """Return a name of a place, sealed: letters and digits alone, in one case."""
        return _letters(sealed_name(self._first, name, *place))

    def names_of(self, name: str, *place: bytes) -> list[str]:
        """Return all names that a name of a place may be sealed as: with the first key, and with the others."""
        keys = [self._first, *(key for key in self._keys.values() if key is not self._first)]
        return [_letters(sealed_name(key, name, *place)) for key in keys]

    def open_name(self, sealed: str, *place: bytes) -> str:
        """Return the name that was sealed. Raises NotOpened."""
        return self.open_name_data(_data_of(sealed), *place)

    def open_name_data(self, data: bytes, *place: bytes) -> str:
        """Return the name that `sealed_name` sealed. Raises NotOpened."""
        if len(data) > NAME_OVERHEAD:
            for key in self._keys.values():
                try:
                    return key.names.decrypt(data, [_join(*place)]).decode()
                except InvalidTag:
                    continue
        raise NotOpened

    def mark(self, *bound: bytes) -> bytes:
        """Return a mark that only who has the first key can make: NAME_OVERHEAD bytes, the same for the same."""
        return self._first.names.encrypt(_MARKED, [_join(*bound)])[:NAME_OVERHEAD]

    def marks(self, *bound: bytes) -> set[bytes]:
        """Return the marks that the keys make for the same."""
        return {key.names.encrypt(_MARKED, [_join(*bound)])[:NAME_OVERHEAD] for key in self._keys.values()}


def sealed_name(key: Key, name: str, *place: bytes) -> bytes:
    """Return a name of a place as bytes, sealed with a key."""
    return key.names.encrypt(name.encode(), [_join(*place)])


def beginning_under(key: Key) -> bytes:
    """Return what all values begin with that are sealed with a key."""
    return MARK + key.id


def is_sealed(value: bytes) -> bool:
    """Tell whether a value was sealed, by whomever."""
    return value.startswith(MARK)


def _derive(secret: bytes, salt: bytes, purpose: bytes, size: int) -> bytes:
    return HKDF(SHA256(), size, salt or None, b"sessionworker " + purpose).derive(secret)


def _join(*parts: bytes) -> bytes:
    """Join parts so that no two lists of them become the same."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _data_of(letters: str) -> bytes:
    """Return what is written in letters; nothing where they are no such, or are not the only ones for it."""
    size, rest = divmod(_BITS * len(letters), 8)
    if rest >= _BITS or not _only_letters(letters):
        return b""
    number = int(letters.translate(_DIGITS), 32)  # ten times as fast as base64.b32decode, of thousands of names
    return b"" if number & ((1 << rest) - 1) else (number >> rest).to_bytes(size, "big")


def _letters(data: bytes) -> str:
    return b32encode(data).decode().lower().rstrip("=")
