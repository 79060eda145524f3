"""What is asked again and again is planned once, however much there is."""

from __future__ import annotations

from psycopg import Connection

from sessionworker.stores.postgres.tables import Row
from tests.contract.words import KEY, create, write
from tests.postgres.server import Server
from tests.postgres_store.opened import by_hand, opened
from tests.tools import show_figure

MANY = """
INSERT INTO sw.instance (id, group_name, name)
SELECT gen_random_uuid(), 'many', convert_to(number::text, 'UTF8') FROM generate_series(1, 3000) AS number
"""


def plans_of(connection: Connection[Row]) -> tuple[int, int]:
    """How often a statement of this session was planned for its parameters, and how often for any."""
    row = connection.execute(
        "SELECT sum(custom_plans)::integer, sum(generic_plans)::integer FROM pg_prepared_statements "
        "WHERE statement LIKE '%session_file%'"
    ).fetchone()
    assert row is not None
    return row[0] or 0, row[1] or 0


def test_no_statement_is_planned_for_its_parameters_in_a_large_store(postgres: Server) -> None:
    with Server(postgres.room) as server, opened(server.url(), threads=1) as one:
        create(one.store)
        by_hand(server, MANY)
        by_hand(server, "ANALYZE")
        for number in range(30):
            assert one.store.commit([write(KEY, b"%d" % number)]) == [None]
            assert one.store.read(KEY) == b"%d" % number
            assert one.store.read_many(KEY.group, KEY.instance, [KEY.key], 10**6) == {KEY.key: b"%d" % number}
        plans = [one.store._connections.ask(plans_of) for _ in range(6)]  # each connection is lent in its turn
    custom, generic = (sum(counts) for counts in zip(*plans, strict=True))
    show_figure(f"PostgreSQL with 3,000 instances: {generic} times planned for any parameters, {custom} for its own")
    assert generic > 60
    assert custom == 0
