"""Faults in what is taken of other programs' servers."""

from __future__ import annotations

from tests.mutations.fault import Fault

_READERS = "sessionworker/migration/readers"
_SOURCES = "sessionworker/migration/sources"
_EVOLUTION = f"{_SOURCES}/evolution.py"
_CREDS = f"{_SOURCES}/evolution_creds.py"
_ROWS = f"{_SOURCES}/sql_rows.py"
_SQL = f"{_READERS}/sql.py"
_TAKING = f"{_READERS}/taking.py"
_SERVERS = f"{_READERS}/servers.py"

_IN_REDIS = "tests/migration/test_redis.py"
_IN_SQL = "tests/migration/test_sql.py"
_IN_MONGO = "tests/migration/test_mongo.py"
_OF_EVOLUTION = "tests/migration/test_evolution.py"
_SILENT = "tests/migration/test_silent_servers.py"
_SETTINGS = "tests/migration/test_settings_of_others.py"

FAULTS: tuple[Fault, ...] = (
    Fault(
        "a PostgreSQL that goes silent is waited for without a limit",
        _SQL,
        "            timer.start()\n",
        "            pass\n",
        (f"{_SILENT}::test_a_postgresql_that_does_not_end_a_statement",),
    ),
    Fault(
        "a statement of PostgreSQL has what is left of the time of another one",
        _SQL,
        "            timer.cancel()\n",
        "            pass\n",
        (f"{_SILENT}::test_a_statement_that_is_answered_in_time_has_all_of_its_own",),
    ),
    Fault(
        "a MySQL that goes silent is waited for without a limit",
        _SQL,
        "            read_timeout=servers.READ_SECONDS,\n",
        "",
        (f"{_SILENT}::test_a_mysql_that_does_not_end_a_statement",),
    ),
    Fault(
        "a MongoDB that goes silent is waited for without a limit",
        f"{_READERS}/mongo.py",
        ", socketTimeoutMS=servers.READ_SECONDS * 1000\n",
        "\n",
        (f"{_SILENT}::test_a_mongodb_that_says_nothing",),
    ),
    Fault(
        "a prefix is read as a pattern",
        f"{_READERS}/redis_hash.py",
        'return "".join(f"\\\\{one}" if one in',
        'return "".join(one if one in',
        (_IN_REDIS,),
    ),
    Fault(
        "values in strings are taken for texts",
        _TAKING,
        "b'\"': STRING}.get(begin, otherwise)",
        "b'\"': TEXT}.get(begin, otherwise)",
        (_IN_REDIS,),
    ),
    Fault(
        "creds that cannot be read are left out as if there were none",
        _TAKING,
        '        value = b""\n    collector.add(key, value, name)\n',
        "        return\n    collector.add(key, value, name)\n",
        (_IN_REDIS,),
    ),
    Fault(
        "strings of another prefix that begins so are taken",
        f"{_SOURCES}/from_redis.py",
        "        if style != RAW:\n",
        "        if False:\n",
        (_IN_REDIS,),
    ),
    Fault(
        "a driver's message shows the password",
        _SERVERS,
        "hidden = not said or (self.password and _in_one_line(self.password) in said)",
        "hidden = not said",
        (_SETTINGS,),
    ),
    Fault(
        "a URL with an unescaped password is read as far as it goes",
        _SERVERS,
        'or parts.fragment or "@" in after',
        "",
        (_SETTINGS, _IN_SQL),
    ),
    Fault(
        "rows of PostgreSQL are not of one moment",
        _SQL,
        "levels.REPEATABLE_READ",
        "levels.READ_COMMITTED",
        (_IN_SQL,),
    ),
    Fault(
        "what reads PostgreSQL could write there",
        _SQL,
        "        connection.read_only = not may_write\n",
        "",
        (_IN_SQL,),
    ),
    Fault(
        "what reads MySQL could write there",
        _SQL,
        "CONSISTENT SNAPSHOT, READ ONLY",
        "CONSISTENT SNAPSHOT",
        (_IN_SQL,),
    ),
    Fault(
        "the schema of Prisma's URL is not looked into",
        _SQL,
        'schema = schema or place.options.get("schema", "")',
        'schema = ""',
        (_IN_SQL,),
    ),
    Fault(
        "sessions whose names differ in case alone are one",
        _SQL,
        'f"CAST(CONVERT({quoted} USING utf8mb4) AS BINARY)"',
        'f"CONVERT({quoted} USING utf8mb4)"',
        (_IN_SQL,),
    ),
    Fault(
        "mappings of mysql-baileys stay numbers",
        _ROWS,
        "    if table.has_bare_texts:\n",
        "    if False:\n",
        (_IN_SQL,),
    ),
    Fault(
        "old documents of MongoDB take the place of newer files",
        f"{_SOURCES}/mongo_collections.py",
        "        if of_files:\n",
        "        if False:\n",
        (_IN_MONGO,),
    ),
    Fault(
        "instances of other integrations are lost with the move",
        _EVOLUTION,
        "label=row.name, is_empty=True,",
        "label=row.name, is_empty=False,",
        (_OF_EVOLUTION,),
    ),
    Fault(
        "keys are taken of a hash though a folder is there, without a word",
        _EVOLUTION,
        "if in_files and in_redis:",
        "if False:",
        (_OF_EVOLUTION,),
    ),
    Fault(
        "an instance that was deleted comes back without a word",
        _EVOLUTION,
        'notes=(Note("no_row"),)',
        "notes=()",
        (_OF_EVOLUTION,),
    ),
    Fault(
        "a wrong prefix loses the keys of all accounts",
        _EVOLUTION,
        "if is_needed and not keys and any(_is_baileys(row) for row in rows.rows):",
        "if False:",
        (_OF_EVOLUTION,),
    ),
    Fault(
        "the older creds of one pairing are taken",
        _CREDS,
        "other.age > used.age",
        "other.age < used.age",
        (_SETTINGS,),
    ),
    Fault(
        "one of two pairings is taken without a word",
        _CREDS,
        '(Note("creds_of_two_accounts", {"taken": taken.place}),)',
        "()",
        (_SETTINGS,),
    ),
    Fault(
        "keys are awaited where the settings do not say that they are",
        f"{_SOURCES}/evolution_settings.py",
        "place = keys or (REDIS if in_redis else FILES)",
        "place = keys or REDIS",
        (_SETTINGS,),
    ),
)
