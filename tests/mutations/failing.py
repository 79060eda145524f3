"""Faults in what becomes of a store on PostgreSQL when its database goes away, or others use it."""

from __future__ import annotations

from tests.mutations.fault import Fault

_POSTGRES = "sessionworker/stores/postgres"
_CONNECTIONS, _WATCHED = f"{_POSTGRES}/connections.py", f"{_POSTGRES}/watched.py"
_WELLNESS, _TABLES, _COMMITTING = f"{_POSTGRES}/wellness.py", f"{_POSTGRES}/tables.py", f"{_POSTGRES}/committing.py"

_TESTS = "tests/postgres_store"
_TOLD = (f"{_TESTS}/test_wellness.py",)
_OTHERS = (f"{_TESTS}/test_others.py",)
_LATE = f"{_TESTS}/test_unknown_outcomes.py::test_what_arrives_late_is_not_made_over_what_came_after_it"
_CUT = f"{_TESTS}/test_unknown_outcomes.py::test_a_commit_that_is_cut_anywhere_is_made_whole_or_not_at_all"
_NO_STANDBY = (f"{_TESTS}/test_unknown_outcomes.py::test_what_is_on_no_standby_is_not_acknowledged",)

_POOLER = f"{_TESTS}/test_pooler.py"

FAULTS: tuple[Fault, ...] = (
    # How long
    Fault(
        "one value that arrives late is written",
        f"{_POSTGRES}/simple.py",
        "< %s AND {KNOWN}\n    RETURNING i.id\n",
        "< %s + 1000 AND {KNOWN}\n    RETURNING i.id\n",
        (_LATE,),
    ),
    Fault(
        "a statement is planned anew each time",
        _WATCHED,
        '    "plan_cache_mode": "force_generic_plan",\n',
        "",
        (f"{_TESTS}/test_plans.py",),
    ),
    Fault(
        "a server that says nothing is waited for for ever",
        _WATCHED,
        "if not ready and time.monotonic() > self.answer_by:",
        "if not ready and time.monotonic() > self.answer_by + 1000:",
        (f"{_TESTS}/test_closing.py",),
    ),
    Fault(
        "a store that is closed waits for its calls",
        _CONNECTIONS,
        "                connection.answer_by = min(connection.answer_by, self._no_later)\n",
        "                pass\n",
        (f"{_TESTS}/test_closing.py",),
    ),
    Fault(
        "a server keeps rows locked for half of a message",
        _WATCHED,
        '    "transaction_timeout": int(TRANSACTION_SECONDS * 1000),\n',
        "",
        (_LATE,),
    ),
    Fault(
        "a connection that its server has closed is used",
        _CONNECTIONS,
        "and not connection.has_ended():",
        "and not connection.closed:",
        _OTHERS,
    ),
    # What is not known
    Fault(
        "a write that was lost on its way is not waited for",
        _CONNECTIONS,
        "                time.sleep(max(0.0, sent_at + valid_seconds + CLOCK_SECONDS - time.monotonic()))\n",
        "",
        (_LATE,),
    ),
    Fault(
        "what is on no standby is acknowledged",
        _CONNECTIONS,
        "if connection.warnings > warnings:",
        "if connection.warnings < warnings:",
        _NO_STANDBY,
    ),
    Fault(
        "a commit whose end was lost is made once more",
        _CONNECTIONS,
        "not isinstance(error, OutcomeUnknownError | PoolTimeout | PoolClosed)",
        "not isinstance(error, PoolTimeout | PoolClosed)",
        (_CUT,),
    ),
    Fault(
        "commits that wait for a standby take all connections",
        _CONNECTIONS,
        "if len(rows) >= MOST_UNANSWERED:",
        "if len(rows) > 1000:",
        _OTHERS,
    ),
    # Others
    Fault(
        "a locked row refuses the writes of all instances",
        _COMMITTING,
        "if isinstance(error, RowsLockedError) and not is_rest:",
        "if isinstance(error, RowsLockedError) and is_rest:",
        _OTHERS,
    ),
    Fault(
        "of many that write one row some never have their turn",
        _WATCHED,
        '    "default_transaction_isolation": "read committed",\n',
        "",
        (f"{_TESTS}/test_replicas.py::test_what_64_connections_write_and_read_has_one_order",),
    ),
    Fault(
        "a role without rights finds out at its first write",
        _TABLES,
        "                self._check_rights(connection)\n",
        "",
        (f"{_TESTS}/test_making_tables.py",),
    ),
    # What is told
    Fault(
        "reads that work say that writes do",
        _WELLNESS,
        'for one in ("read", kind):',
        'for one in ("read", "write"):',
        _TOLD,
    ),
    Fault(
        "late calls say that the database is away again",
        _WELLNESS,
        "if is_away := is_general and begun_at >= self._well_at[kind]:",
        "if is_away := is_general:",
        _TOLD,
    ),
    Fault(
        "each statement that fails is told of",
        _WELLNESS,
        "is_news = now >= self._quiet_until.get((event.name, reason), 0.0)",
        "is_news = now >= 0.0",
        _TOLD,
    ),
    Fault(
        "one statement that failed silences that the database is away",
        _WELLNESS,
        'for name in {event.name, "statement_failed"}:',
        'for name in {"database_failed", "statement_failed"}:',
        _TOLD,
    ),
    Fault(
        "a password with an unescaped '@' is shown as a host",
        f"{_POSTGRES}/address.py",
        'before.count("@") > 1',
        'before.count("@") > 9',
        (f"{_TESTS}/test_address.py",),
    ),
    # A pooler
    Fault(
        "a pooler that lends a connection for each transaction is taken for the server",
        _WATCHED,
        "return len(found) != 2 or len({pid for _, pid in found}) != 2",
        "return False",
        (f"{_POOLER}::test_lent_for_a_transaction_they_are_refused_at_the_start",),
    ),
    Fault(
        "connections of a pooler are asked once who answers them",
        _WATCHED,
        "for _ in range(PROBES)]",
        "for _ in range(0)]",
        (f"{_POOLER}::test_lent_for_a_transaction_they_are_refused_at_the_start",),
    ),
    Fault(
        "a pooler's word of whether its server takes writes is believed",
        _WATCHED,
        "            if is_read_only:\n",
        "            if False:\n",
        (f"{_POOLER}::test_a_server_that_became_a_standby_is_not_asked_whatever_the_pooler_remembers_of_it",),
    ),
    Fault(
        "what the server has not answered is counted by a pooler's word",
        _CONNECTIONS,
        "pid, warnings = connection.pid, ",
        "pid, warnings = connection.info.backend_pid, ",
        (f"{_POOLER}::test_what_the_server_has_not_answered_is_counted_by_its_own_word",),
    ),
)
