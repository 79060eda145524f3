"""An Evolution API 2 as its tables, hashes and folders are: the parts of its schema that a session touches."""

from __future__ import annotations

import shutil
from pathlib import Path

import redis

from sessionworker.migration.baileys_names import file_name_of
from tests.migration.examples import account
from tests.migration.filled import Filled
from tests.migration.reading import Values, in_strings

TABLES = (
    """CREATE TABLE "Instance" ("id" {text} PRIMARY KEY, "name" VARCHAR(255) NOT NULL UNIQUE,
    "connectionStatus" {status} NOT NULL DEFAULT 'open', "ownerJid" VARCHAR(100), "profileName" VARCHAR(100),
    "profilePicUrl" VARCHAR(500), "integration" VARCHAR(100), "number" VARCHAR(100), "businessId" VARCHAR(100),
    "token" VARCHAR(255), "clientName" VARCHAR(100))""",
    """CREATE TABLE "Session" ("id" {text} PRIMARY KEY, "sessionId" {text} NOT NULL UNIQUE, "creds" TEXT,
    "createdAt" TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY ("sessionId") REFERENCES "Instance"("id") ON DELETE CASCADE)""",
)

ONE = "3f1c9b1e-1d1f-4c55-9a52-2a7a3d5f0001"
TWO = "3f1c9b1e-1d1f-4c55-9a52-2a7a3d5f0002"
BUSINESS = "3f1c9b1e-1d1f-4c55-9a52-2a7a3d5f0003"
OTHERS = "3f1c9b1e-1d1f-4c55-9a52-2a7a3d5f0004"
ORPHAN = "3f1c9b1e-1d1f-4c55-9a52-2a7a3d5f0005"

OWNER = "5511999999999@s.whatsapp.net"


class Evolution:
    """One that writes."""

    def __init__(self, database: Filled, client: redis.Redis, redis_url: str, folder: Path) -> None:
        self._database = database
        self._client = client
        self._redis_url = redis_url
        self.folder = folder
        self.instances = folder / "instances"
        types = _types(database)
        for table in TABLES:
            self.run(table.format(**types))

    def run(self, sql: str, *parameters: object) -> None:
        """Run SQL, written as for PostgreSQL."""
        self._database.run(sql.replace('"', "`") if self._database.is_mysql else sql, *parameters)

    def forget(self, id_: str) -> None:
        """Remove all that an instance keeps."""
        self.run('DELETE FROM "Session" WHERE "sessionId" = %s', id_)
        self._client.delete(f"evolution:instance:{id_}")
        shutil.rmtree(self.instances / id_, ignore_errors=True)

    def refuse_changes(self) -> None:
        """Have the database refuse each change of an instance."""
        if self._database.is_mysql:
            told = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'"
        else:
            self.run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today''; END'")
            told = "EXECUTE FUNCTION refuse()"
        self.run(f'CREATE TRIGGER refused BEFORE UPDATE ON "Instance" FOR EACH ROW {told}')

    def env(self, **others: str) -> Path:
        """Write its settings, those of its example if nothing else is said."""
        settings = {
            "DATABASE_PROVIDER": "postgresql",
            "DATABASE_CONNECTION_URI": f"'{self._database.url}'",
            "DATABASE_CONNECTION_CLIENT_NAME": "evolution_exchange",
            "DATABASE_SAVE_DATA_INSTANCE": "true",
            "CACHE_REDIS_ENABLED": "true",
            "CACHE_REDIS_URI": self._redis_url,
            "CACHE_REDIS_PREFIX_KEY": "evolution",
            "CACHE_REDIS_SAVE_INSTANCES": "false",
            **others,
        }
        path = self.folder / ".env"
        path.write_text("# Evolution\n" + "".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    def instance(
        self,
        id_: str,
        name: str,
        creds: bytes | str | None = None,
        *,
        client: str = "evolution_exchange",
        integration: str | None = "WHATSAPP-BAILEYS",
        status: str = "open",
        owner: str | None = OWNER,
    ) -> None:
        """Make an instance, with a row of its session if creds are given: as JSON, or as the column's content."""
        self.run(
            'INSERT INTO "Instance"("id", "name", "connectionStatus", "ownerJid", "integration", "clientName") '
            "VALUES(%s, %s, %s, %s, %s, %s)",
            *(id_, name, status, owner, integration, client),
        )
        if creds is not None:
            column = in_strings({"creds": creds})["creds"].decode() if isinstance(creds, bytes) else creds
            self.run('INSERT INTO "Session"("id", "sessionId", "creds") VALUES(%s, %s, %s)', f"cm{name}", id_, column)

    def null_creds(self, id_: str) -> None:
        """Make a session without creds."""
        self.run('INSERT INTO "Session"("id", "sessionId") VALUES(%s, %s)', f"cm{id_}", id_)

    def hash(self, id_: str, values: Values, prefix: str = "evolution") -> None:
        """Keep values in Redis."""
        for key, value in in_strings(values).items():
            self._client.hset(f"{prefix}:instance:{id_}", key, value.decode())

    def files(self, id_: str, values: Values) -> None:
        """Keep values in files."""
        folder = self.instances / id_
        folder.mkdir(parents=True, exist_ok=True)
        for key, value in values.items():
            (folder / f"{file_name_of(key)}.json").write_bytes(value)


def keys_alone(name: str = "one") -> Values:
    """What an account has beside its creds."""
    values = account(name)
    del values["creds"]
    return values


def _types(database: Filled) -> dict[str, str]:
    if database.is_mysql:
        return {"text": "VARCHAR(191)", "status": "ENUM('open', 'close', 'connecting')"}
    database.run("""CREATE TYPE "InstanceConnectionStatus" AS ENUM ('open', 'close', 'connecting')""")
    return {"text": "TEXT", "status": '"InstanceConnectionStatus"'}
