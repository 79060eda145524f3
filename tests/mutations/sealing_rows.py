"""Faults in how a store on PostgreSQL is sealed and rewritten, and in what workers know of each other's keys."""

from __future__ import annotations

from tests.mutations.fault import Fault

_STORE = "sessionworker/stores/postgres"
_CODEC = f"{_STORE}/codec.py"
_SAID = f"{_STORE}/said.py"
_SEALING = f"{_STORE}/sealing.py"
_READING = f"{_STORE}/reading.py"
_REWRITING = f"{_STORE}/rewriting.py"
_ROWS = f"{_STORE}/rows.py"

_SEALED = ("tests/postgres/test_sealed_rows.py",)
_REWRITES = ("tests/postgres/test_rewriting_rows.py",)
_REPLICAS = ("tests/postgres/test_sealed_replicas.py",)

FAULTS: tuple[Fault, ...] = (
    # What is sealed, and to what
    Fault(
        "a row's value is not bound to its instance",
        _CODEC,
        "return value if self._ring.writes_plain else self._seal.seal(value, *_bytes(bound))",
        'return value if self._ring.writes_plain else self._seal.seal(value, b"value")',
        _SEALED,
    ),
    Fault(
        "what is plain is taken for a value of any row",
        _CODEC,
        "if self._now[1] and not is_sealed(data):",
        "if not is_sealed(data):",
        _SEALED,
    ),
    Fault(
        "nobody asks for whom a row was made",
        _READING,
        'if not self._codec.is_proven(proof, "instance", str(id_), group, instance):',
        "if False:",
        _SEALED,
    ),
    Fault(
        "whoever writes does not ask for whom a row was made",
        f"{_STORE}/judge.py",
        "if not held.is_proven:",
        "if False:",
        _SEALED,
    ),
    Fault(
        "what happened is written down plain",
        f"{_STORE}/events.py",
        "data = self._sealing.codec.seal(msgspec.json.encode(recent.after(-1)), EVENTS)",
        "data = msgspec.json.encode(recent.after(-1))",
        _SEALED,
    ),
    Fault(
        "sizes are told with their seals",
        _CODEC,
        "return OVERHEAD if beginning.startswith((SEALED, MARK)) else 0",
        "return 0",
        _SEALED,
    ),
    Fault(
        "an id that is remembered is not asked for again",
        _READING,
        "if self._codec.is_bound and id_ != assumed.id:",
        "if self._codec.is_bound and assumed.id is None:",
        _SEALED,
    ),
    Fault(
        "a wish that nobody with a key made is followed",
        _SAID,
        'to = f" to {self.to} {self.number}" if self.to else ""',
        'to = ""',
        _SEALED,
    ),
    # Several workers
    Fault(
        "a worker goes by what was said at its start",
        _SEALING,
        "        if is_known is not True:\n",
        "        if False:\n",
        _REPLICAS,
    ),
    Fault(
        "a worker that would write otherwise than all have to is let",
        _SEALING,
        "        if self.problem:\n            raise StoreUnavailable\n\n    def lock",
        "\n    def lock",
        _REPLICAS,
    ),
    Fault(
        "a name under another key is left beside the new one",
        _ROWS,
        "                deleted += [(one.id, name) for name in names]\n",
        "                deleted += [(one.id, name) for name in names if value is None]\n",
        (*_REPLICAS, *_REWRITES),
    ),
    Fault(
        "two workers make one instance under two keys",
        _SEALING,
        'name = "lock" if self.codec.is_mixed else "share"',
        'name = "look"',
        _REPLICAS,
    ),
    Fault(
        "a start with another key goes on with an older wish",
        _SEALING,
        "if statement.to != self.target:",
        "if False:",
        _REPLICAS,
    ),
    Fault(
        "an instance that is renamed while it is waited for is taken for missing",
        _ROWS,
        "if len(found[0]) < len(set(places)):",
        "if False:",
        _REPLICAS,
    ),
    Fault(
        "whoever has no key writes to rows that somebody sealed meanwhile",
        f"{_STORE}/simple.py",
        " AND i.owner = '' AND i.proof = ''",
        " AND i.owner = ''",
        _REPLICAS,
    ),
    # Rewriting
    Fault(
        "versions in rows are not rewritten",
        _REWRITING,
        "        self._rewrite_versions(connection, instance.id)\n",
        "",
        _REWRITES,
    ),
    Fault(
        "rows that were set aside are not rewritten",
        _REWRITING,
        "        self._rewrite_broken(connection, instance.id)\n",
        "",
        _REWRITES,
    ),
    Fault(
        "what happened stays under the older key",
        _REWRITING,
        "        self._events.rewrite(connection)\n",
        "",
        _REWRITES,
    ),
    Fault(
        "the names of groups are not rewritten",
        _REWRITING,
        'if group is not None and self._codec.name(group, "group") != name:',
        "if False:",
        _REWRITES,
    ),
    Fault(
        "all is said to be rewritten while a purged instance has rows",
        _REWRITING,
        "            AND NOT EXISTS (SELECT 1 FROM {purged_instance})\n",
        "",
        _REWRITES,
    ),
    Fault(
        "what an older rewriting saw to is taken for done",
        _SAID,
        "number=secrets.token_hex(4)",
        'number="1"',
        _REPLICAS,
    ),
    Fault(
        "what is broken is thrown away when it is rewritten",
        _REWRITING,
        "        if aside:\n",
        "        if False:\n",
        _REWRITES,
    ),
)
