"""What is promised of `creds` that are valid and odd: refused at once, or kept like any others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionworker.errors import CredsNotAllowed
from tests.contract.base import Contract
from tests.contract.words import (
    CREDS,
    SUPPORT,
    Life,
    commit,
    create,
    creds,
    read_all,
    read_and_recall,
    refusals,
    versions,
    write,
)


def numbered(number: str) -> bytes:
    """The `creds` of an identity, with something for the number of its next pre-key."""
    return b'{"registrationId":1,"nextPreKeyId":%b}' % number.encode()


def nested(levels: int) -> bytes:
    """An object that holds arrays in arrays, so many."""
    return b'{"registrationId":%b1%b,"nextPreKeyId":1}' % (b"[" * levels, b"]" * levels)


ODD = {
    "true for a number": numbered("true"),
    "null for a number": numbered("null"),
    "a text for a number": numbered('"9"'),
    "-1": numbered("-1"),
    "a fraction": numbered("1.5"),
    "beyond fractions": numbered("1e999"),
    "2**63": numbered(str(2**63)),
    "2**70": numbered(str(2**70)),
    "-2**70": numbered(str(-(2**70))),
    "227 digits": numbered("9" * 227),
    "300 digits": numbered("9" * 300),
    "4300 digits": numbered("9" * 4300),
    "4301 digits": numbered("9" * 4301),
    "-4301 digits": numbered("-" + "9" * 4301),
    "300 digits elsewhere": b'{"registrationId":%b,"nextPreKeyId":1}' % (b"9" * 300),
    "4301 digits elsewhere": b'{"registrationId":%b,"nextPreKeyId":1}' % (b"9" * 4301),
    "4301 digits where nobody looks": b'{"me":%b}' % (b"9" * 4301),
    "half an emoji": rb'{"registrationId":"\ud83d","noiseKey":"\ude00","nextPreKeyId":1}',
    "half an emoji and 300 digits": rb'{"registrationId":"\ud83d","nextPreKeyId":%b}' % (b"9" * 300),
    "half an emoji where nobody looks": rb'{"me":{"name":"\ud83d"},"nextPreKeyId":1}',
    "half an emoji as a name": rb'{"\ud83d":1,"nextPreKeyId":1}',
    "NUL": rb'{"registrationId":"\u0000","nextPreKeyId":1}',
    "a name twice": b'{"nextPreKeyId":1,"nextPreKeyId":2,"registrationId":1,"registrationId":2}',
    "spaces around": b" \t\r\n" + creds(1) + b" \t\r\n",
    "nothing in it": b"{}",
    "100 levels": nested(100),
    "900 levels": nested(900),
    "990 levels": nested(990),
    "1100 levels": nested(1100),
    "100,000 levels": nested(100_000),
    "levels of objects": b'{"noiseKey":' * 500 + b"1" + b"}" * 500,
    "arrays for all": b'{"registrationId":[],"noiseKey":[1,[2]],"signedIdentityKey":{"a":{}},"nextPreKeyId":[]}',
    "null for all": b'{"registrationId":null,"noiseKey":null,"signedIdentityKey":null,"nextPreKeyId":null}',
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=5),  # with halves of emojis
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=3), values, max_size=2),
    max_leaves=4,
)
LONG = st.integers(1, 4300).map(lambda digits: int("9" * digits))
OBJECTS = st.fixed_dictionaries(
    {"nextPreKeyId": JSON | LONG},
    optional=dict.fromkeys(("registrationId", "noiseKey", "signedIdentityKey", "me"), JSON | LONG),
)


def check_newest(life: Life, value: bytes) -> None:
    """See that these are the current `creds`, and their newest version."""
    assert read_and_recall(life.store, CREDS) == value
    life.store.check_creds("codechat", "sales")
    newest = versions(life.store)[0]
    assert newest.is_current
    assert newest.is_pinned
    assert newest.bytes == len(value)
    assert life.store.read_version("codechat", "sales", newest.version) == value


class OddCredsContract(Contract):
    """Odd `creds`."""

    @pytest.mark.parametrize("value", ODD.values(), ids=ODD)
    def test_odd_creds_are_refused_or_kept_like_any_others(self, life: Life, value: bytes) -> None:
        create(life.store, CREDS, SUPPORT)
        commit(life.store, write(CREDS, creds(5)), write(SUPPORT, creds(9, 9)))
        life.go_on()
        [outcome] = refusals(life.store, write(CREDS, value))
        assert outcome in {None, CredsNotAllowed}
        life.go_on()
        check_newest(life, value if outcome is None else creds(5))
        assert len(versions(life.store)) == (2 if outcome is None else 1)
        commit(life.store, write(CREDS, creds(6)), write(SUPPORT, creds(10, 9)))
        life.go_on()
        check_newest(life, creds(6))
        assert read_all(life.store, CREDS, SUPPORT) == [creds(6), creds(10, 9)]

    def test_any_object_is_kept_listed_and_read_back(self, quiet: Life) -> None:
        create(quiet.store)
        commit(quiet.store, write(CREDS, creds(1)))

        @settings(max_examples=80, deadline=None, derandomize=True, database=None)
        @given(OBJECTS, st.booleans())
        def check(value: dict[str, Any], is_settled: bool) -> None:
            written = json.dumps(value).encode()
            commit(quiet.store, write(CREDS, written))
            if is_settled:
                quiet.settle()
            check_newest(quiet, written)

        check()
        last = quiet.store.read(CREDS)
        assert last is not None
        quiet.kill()
        check_newest(quiet, last)
        quiet.open_again()
        check_newest(quiet, last)

    @pytest.mark.parametrize("odd", ["true", "9" * 300, "null"])
    def test_versions_are_listed_and_thinned_whatever_the_next_pre_key_is(self, life: Life, odd: str) -> None:
        create(life.store)
        values = [b'{"registrationId":1,"nextPreKeyId":%b,"n":%d}' % (odd.encode(), number) for number in range(30)]
        for value in values:
            commit(life.store, write(CREDS, value))
            life.go_on()
        life.settle()
        found = [one.version for one in versions(life.store)]
        assert 10 <= len(found) <= 13  # the newest ten, and the last of an hour and of a day
        newest = [life.store.read_version("codechat", "sales", one) for one in found[:10]]
        assert newest == values[:-11:-1]
