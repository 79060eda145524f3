"""Reads rows of PostgreSQL, or of MySQL and MariaDB, in one transaction that sees one moment and can write nothing.

Targets open databases to write to them; that is one transaction, too, which its end alone makes real.
Tables of MyISAM know no transactions: of those, what one question is answered is of one moment.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import Any

from sessionworker.migration.found import SourceError
from sessionworker.migration.readers import servers
from sessionworker.migration.readers.servers import Place, driver, place_of

POSTGRESQL = ("postgresql", "postgres")
MYSQL = ("mysql", "mariadb")

SECONDS = 30
"""After which a server that cannot be reached is given up, and a row that somebody else holds."""

_OF_LIBPQ = ("sslmode", "sslrootcert", "channel_binding", "options", "host")
"""What of a URL's options PostgreSQL's own library is given: the others are Prisma's own, and it refuses them."""

Row = tuple[Any, ...]


class Database:
    """A database, as it was when it was opened. Nothing is written there, unless it was opened to be written to."""

    def __init__(self, place: Place, connection: Any, errors: type[Exception], schema: str = "") -> None:
        """Take what it is spoken with through."""
        self.shown = place.shown
        self.is_mysql = place.scheme in MYSQL
        self.schema = schema
        self._place = place
        self._connection = connection
        self._errors = errors

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Return all rows of an answer; `%s` stands for each parameter."""
        with self._connection.cursor() as cursor, self._asking("does not answer"):
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())

    def change(self, sql: str, *parameters: object) -> None:
        """Change something; `%s` stands for each parameter."""
        with self._connection.cursor() as cursor, self._asking("does not take it"):
            cursor.execute(sql, parameters or None)

    def commit(self) -> None:
        """Make all changes real. After an error they may be, or not."""
        with self._asking("did not say whether it took it"):
            self._connection.commit()

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        """Give the server its time for what a block asks. Raises SourceError with what it is doing then."""
        seconds = servers.READ_SECONDS
        is_late = Event()

        def cut() -> None:
            is_late.set()
            with suppress(OSError, self._errors), socket(fileno=os.dup(self._connection.fileno())) as its:
                its.shutdown(SHUT_RDWR)

        timer = Timer(seconds, cut)
        timer.daemon = True
        if not self.is_mysql:  # whose library has a limit of its own
            timer.start()
        try:
            yield
        except self._errors as error:
            reason = f"it took more than {seconds:g} s" if is_late.is_set() else reason_of(error)
            raise self._place.failure(doing, reason) from None
        finally:
            timer.cancel()

    def quoted(self, name: str) -> str:
        """Return the name of a table or a column as it stands in SQL; a table may have its schema before a dot."""
        mark = "`" if self.is_mysql else '"'
        return ".".join(f"{mark}{part.replace(mark, mark * 2)}{mark}" for part in name.split("."))

    def as_text(self, name: str) -> str:
        """Return the SQL for a column of any type as text that keeps cases apart: `text_of` reads it."""
        quoted = self.quoted(name)
        return f"CAST(CONVERT({quoted} USING utf8mb4) AS BINARY)" if self.is_mysql else f"{quoted}::text"

    def parameter(self, text: str) -> str | bytes:
        """Return what a column `as_text` is compared with."""
        return text.encode() if self.is_mysql else text

    def columns_of(self, table: str) -> dict[str, str]:
        """Return the columns of a table by their names, with their collations; none where there is no such table."""
        *above, name = table.split(".")
        current = "database()" if self.is_mysql else "current_schema()"
        found = self.rows(
            "SELECT column_name, collation_name FROM information_schema.columns "
            f"WHERE table_name = %s AND table_schema = {'%s' if above else current}",
            name,
            *above,
        )
        return {str(column): str(collation or "") for column, collation in found}

    def close(self) -> None:
        """Let go of it."""
        with suppress(self._errors):
            self._connection.close()


def open_database(url: str, *, schema: str = "", may_write: bool = False) -> Database:
    """Connect to the database that a URL names, as Prisma and others write it. `schema` is PostgreSQL's."""
    place = place_of(url, POSTGRESQL + MYSQL, "a database")
    if place.scheme in MYSQL:
        return _open_mysql(place, may_write=may_write)
    return _open_postgresql(place, schema, may_write=may_write)


def _open_postgresql(place: Place, schema: str, *, may_write: bool) -> Database:
    library = driver("psycopg", "PostgreSQL")
    options = {name: place.options[name] for name in _OF_LIBPQ if name in place.options}
    parts = {"host": place.host, "port": place.port, "user": place.user, "password": place.password}
    given = {name: value for name, value in parts.items() if value} | {"dbname": place.path} | options

    def connect() -> Any:
        return library.connect(**given, connect_timeout=SECONDS, prepare_threshold=None, autocommit=False)

    connection = _connected(place, connect, (library.Error, OSError))
    loader = driver("psycopg.types.string", "PostgreSQL").TextLoader
    for kind in ("json", "jsonb"):
        connection.adapters.register_loader(kind, loader)
    schema = schema or place.options.get("schema", "")
    found = Database(place, connection, library.Error, schema)
    try:
        levels = library.IsolationLevel
        connection.isolation_level = levels.READ_COMMITTED if may_write else levels.REPEATABLE_READ
        connection.read_only = not may_write
        # A worker may take longer than a server lets a transaction wait.
        found.rows("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
        if may_write:
            found.rows("SELECT set_config('lock_timeout', %s, true)", f"{SECONDS}s")
        if schema:  # not for the connection: behind a pooler it is another one's next
            found.rows("SELECT set_config('search_path', %s, true)", found.quoted(schema))
    except BaseException:
        found.close()
        raise
    return found


def _open_mysql(place: Place, *, may_write: bool) -> Database:
    library = driver("pymysql", "MySQL or MariaDB")
    given: dict[str, Any] = {"host": place.host or "localhost", "user": place.user, "password": place.password}
    if place.port:
        given["port"] = place.port
    if "socket" in place.options:
        given["unix_socket"] = place.options["socket"]
    if context := _encryption(place):
        given["ssl"] = context

    def connect() -> Any:
        return library.connect(
            **given,
            database=place.path or None,
            charset="utf8mb4",
            connect_timeout=SECONDS,
            read_timeout=servers.READ_SECONDS,
            write_timeout=servers.READ_SECONDS,
            autocommit=False,
        )

    errors = library.MySQLError
    connection = _connected(place, connect, (errors, OSError, RuntimeError))
    found = Database(place, connection, errors)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {SECONDS}")
            level = "READ COMMITTED" if may_write else "REPEATABLE READ"
            cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
            cursor.execute(f"START TRANSACTION {'READ WRITE' if may_write else 'WITH CONSISTENT SNAPSHOT, READ ONLY'}")
    except errors as error:
        found.close()
        raise place.failure("does not answer", reason_of(error)) from None
    return found


def _encryption(place: Place) -> ssl.SSLContext | None:
    """Return how a connection to MySQL is encrypted, as Prisma's options say."""
    if not {"sslaccept", "sslcert", "sslmode"} & place.options.keys():
        return None
    try:
        context = ssl.create_default_context(cafile=place.options.get("sslcert"))
    except OSError:
        raise SourceError(f"The certificate that the URL of {place.shown} names cannot be read.") from None
    if place.options.get("sslaccept") != "strict":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _connected(place: Place, connect: Callable[[], Any], errors: tuple[type[Exception], ...]) -> Any:
    try:
        return connect()
    except errors as error:
        raise place.failure("cannot be opened", reason_of(error)) from None


def reason_of(error: BaseException) -> str:
    """Return what a driver says of an error, without the SQL."""
    diagnosis = getattr(error, "diag", None)
    if message := getattr(diagnosis, "message_primary", None):
        return str(message)
    numbered = len(error.args) > 1 and isinstance(error.args[0], int)
    return str(error.args[1] if numbered else error)


def text_of(value: object) -> str:
    """Return what `as_text` gave."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def bytes_of(value: object) -> bytes | None:
    """Return what a column holds as bytes; None for NULL."""
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")  # which is no UTF-8 then, and told as such
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return None if value is None else str(value).encode()


def names_of(rows: Sequence[Row]) -> list[str]:
    """Return the first column of rows, as texts, sorted; without NULL."""
    return sorted(text_of(row[0]) for row in rows if row[0] is not None)
