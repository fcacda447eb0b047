# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL cluster, SQLite files, and one face for both."""
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

from . import build
from .build import PG_BIN, PSQL
from .pgbouncer import PgBouncer

# Whether the module reaches every database through a PgBouncer in transaction mode.
POOLED = bool(os.environ.get("AUTHSVC_TEST_PGBOUNCER"))


def as_postgres(*command):
    """initdb and postgres refuse to run as root."""
    if not build.IS_ROOT:
        return list(map(str, command))
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups",
            *map(str, command)]


class Postgres:
    """A cluster of its own: Unix socket and a port of 127.0.0.1, with fsync on."""

    engine = "postgresql"

    def __init__(self, settings=(), wal=None):
        self.wal = wal  # where pg_wal is to be, if elsewhere
        self.dir = build.scratch("pg")
        self.data = self.dir / "data"
        self.port = build.free_port()
        self.numbers = itertools.count(1)
        build.give_to(self.dir, "postgres")
        self._create()
        lines = [f"port = {self.port}", "listen_addresses = '127.0.0.1'",
                 f"unix_socket_directories = '{self.dir}'", "max_connections = 100",
                 "log_min_messages = warning", *settings]
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write("\n".join(lines) + "\n")
        self.process = None
        self.start()
        self.bouncer = PgBouncer(self.dir, self.port) if POOLED else None

    def _create(self):
        subprocess.run(as_postgres(PG_BIN / "initdb", "-N", "-D", self.data, "-U", "postgres", "-A",
                                   "trust", "-E", "UTF8", "--locale=C.UTF-8",
                                   *(["--waldir", self.wal] if self.wal else [])),
                       check=True, capture_output=True, cwd="/")

    def start(self):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen(
                build.ending_with_us(PG_BIN / "postgres", "-D", self.data, by="QUIT",
                                     user="postgres"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True)
        build.wait_until(self._answers, 60, "PostgreSQL answers")

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("PostgreSQL ended: " +
                               (self.dir / "log").read_text(errors="replace")[-2000:])
        return subprocess.run([PG_BIN / "pg_isready", "-q", "-h", self.dir, "-p", str(self.port)],
                              check=False).returncode == 0

    def stop(self, mode="fast"):
        if self.process.poll() is None:
            subprocess.run(as_postgres(PG_BIN / "pg_ctl", "-D", self.data, "-w", "-t", "60", "-m",
                                       mode, "stop"), check=False, capture_output=True, cwd="/")
            self.process.wait(20)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def destroy(self):
        if self.bouncer:
            self.bouncer.destroy()
        self.thaw()
        self.stop("immediate")
        shutil.rmtree(self.dir, ignore_errors=True)

    def pids(self):
        """Postmaster and all its processes."""
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return []
        return [postmaster, *build.children_of(postmaster)]

    def freeze(self):
        """SIGSTOP: connections stay open, nobody answers."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def conninfo(self, dbname, user="postgres", tcp=False, port=None):
        """By TCP if so asked, and then by another port if something stands in between."""
        host = "127.0.0.1" if tcp or port else str(self.dir)
        return f"host={host} port={port or self.port} dbname={dbname} user={user} connect_timeout=2"

    def psql(self, dbname, sql, user="postgres", check=True):
        """Rows of the last statement, cells as text, NULL as None."""
        done = subprocess.run(
            [PSQL, "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-P", "null=\x01",
             "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(dbname, user), "-f", "-"],
            input=sql, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            if check:
                raise RuntimeError(f"psql: {done.stderr}\n{sql}")
            return None
        text = done.stdout.rstrip("\n")
        if not text:
            return []
        return [tuple(None if cell == "\x01" else cell for cell in row.split("\x1f"))
                for row in text.split("\x1e") if row != ""]

    def new_database(self, migrated=True):
        name = f"app{next(self.numbers)}"
        role = f"{name}_web"
        self.psql("postgres", f"CREATE ROLE {role} LOGIN; CREATE DATABASE {name}")
        database = PostgresDatabase(self, name, role)
        if migrated:
            database.migrate()
        return database

    def configure(self, *settings):
        """Change settings of the running server, for sessions that there are too."""
        for setting in settings:
            self.psql("postgres", f"ALTER SYSTEM SET {setting}")
        self.psql("postgres", "SELECT pg_reload_conf()")

    def terminate_backends(self, database):
        self.psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                              f"WHERE datname = '{database.name}' AND pid <> pg_backend_pid()")


class PostgresDatabase:
    """One database of a cluster; the module signs in by a role that owns nothing."""

    engine = "postgresql"
    driver = "pgsql"

    def __init__(self, cluster, name, role):
        self.cluster = cluster
        self.name = name
        self.role = role
        port = cluster.bouncer.port if cluster.bouncer else None
        self.params = cluster.conninfo(name, role, port=port)
        self.owner_params = cluster.conninfo(name, port=port)
        self.pooled = cluster.bouncer is not None

    def migrate(self, *args):
        args = args or ("up",)
        grant = ("--grant", self.role) if args[0] == "up" else ()
        return build.ctl("migrate", *args, *grant, "--dsn", f"pgsql:{self.owner_params}")

    def query(self, sql, check=True):
        return self.cluster.psql(self.name, sql, check=check)

    def shift(self, table, column, seconds, where="true"):
        """Move a time by so many seconds."""
        self.query(f"UPDATE {table} SET {column} = {column} + interval '{seconds} seconds' "
                   f"WHERE {where}")

    def set_role(self, user_id, role):
        self.query(f"UPDATE users SET role = '{role}' WHERE id = '{user_id}'")

    def limit_role(self):
        """The server's own time-outs, as README.md sets them."""
        for setting in ("statement_timeout = '2900ms'",
                        "idle_in_transaction_session_timeout = '5s'",
                        "client_connection_check_interval = '1s'"):
            self.query(f"ALTER ROLE {self.role} SET {setting}")

    def session(self):
        return PsqlSession(self.owner_params)

    def block(self):
        """As good as gone: nobody may connect, and who was connected is thrown out."""
        self.cluster.psql("postgres", f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        self.cluster.terminate_backends(self)

    def unblock(self):
        self.cluster.psql("postgres", f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true")

    def set_clock(self, hours):
        """The database's clock, so many hours from the machine's."""
        self.query("CREATE OR REPLACE FUNCTION authsvc_now() RETURNS timestamptz LANGUAGE sql "
                   "STABLE PARALLEL SAFE AS $$ SELECT statement_timestamp() + "
                   f"interval '{hours} hours' $$;"
                   "CREATE OR REPLACE FUNCTION authsvc_now(seconds bigint) RETURNS timestamptz "
                   "LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT statement_timestamp() + "
                   f"interval '{hours} hours' + seconds * interval '1 second' $$;")

    def break_clock(self):
        """Make authsvc_now() raise P0001, which no healthy database does; gives what to undo."""
        saved = self.query("SELECT pg_get_functiondef(oid), pg_get_function_arguments(oid), "
                           "pg_get_function_result(oid) FROM pg_proc WHERE proname = "
                           "'authsvc_now'")
        assert saved
        self.query("".join(
            f"CREATE OR REPLACE FUNCTION authsvc_now({arguments}) RETURNS {result} "
            "LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$;"
            for _, arguments, result in saved))
        return ";".join(definition for definition, _, _ in saved)


class PsqlSession:
    """A psql that stays connected, for statements that must come at once."""

    def __init__(self, conninfo):
        self.process = subprocess.Popen(
            [PSQL, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", conninfo],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lock = threading.Lock()
        self.run("SELECT 1")

    def run(self, sql):
        with self.lock:
            self.process.stdin.write(f"{sql};\n\\echo done-marker\n")
            self.process.stdin.flush()
            lines = []
            while True:
                line = self.process.stdout.readline()
                if not line:
                    raise RuntimeError("psql ended: " + "".join(lines))
                if line.strip() == "done-marker":
                    return lines
                lines.append(line.rstrip("\n"))

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class SqliteEngine:
    """Makes SQLite databases, each in a directory that belongs to the httpd user."""

    engine = "sqlite"

    def __init__(self):
        self.dir = build.scratch("sqlite")
        self.numbers = itertools.count(1)

    def new_database(self, migrated=True):
        folder = self.dir / f"db{next(self.numbers)}"
        folder.mkdir(mode=0o750)
        build.give_to(folder, build.HTTPD_USER)
        database = SqliteDatabase(folder / "authsvc.db")
        if migrated:
            database.migrate()
        return database

    def destroy(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class SqliteDatabase:
    """One SQLite file."""

    engine = "sqlite"
    driver = "sqlite3"
    pooled = False

    def __init__(self, path):
        self.path = path
        self.params = str(path)
        self.owner_params = str(path)

    def migrate(self, *args):
        done = build.ctl("migrate", *(args or ("up",)), "--dsn", f"sqlite3:{self.params}")
        for file in self.path.parent.iterdir():
            build.give_to(file, build.HTTPD_USER)
        return done

    def connect(self):
        return sqlite3.connect(self.path, timeout=10, isolation_level=None,
                               check_same_thread=False)

    def query(self, sql, check=True):
        del check
        with contextlib.closing(self.connect()) as connection:
            rows = connection.execute(sql).fetchall()
        return [tuple(None if cell is None else
                      cell if isinstance(cell, bytes) else str(cell) for cell in row)
                for row in rows]

    def shift(self, table, column, seconds, where="true"):
        self.query(f"UPDATE {table} SET {column} = {column} + {seconds} * 1000000 WHERE {where}")

    def set_role(self, user_id, role):
        self.query(f"UPDATE users SET role = '{role}' WHERE id = '{user_id}'")

    def session(self):
        return SqliteSession(self.connect())

    def _rename(self, pattern, change):
        with contextlib.closing(self.connect()) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("PRAGMA legacy_alter_table = ON")
            for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE "
                    "'sqlite_%' AND name GLOB ?", (pattern,)).fetchall():
                connection.execute(f"ALTER TABLE {name} RENAME TO {change(name)}")

    def block(self):
        """No table is where it should be."""
        self._rename("*", lambda name: f"{name}_blocked")

    def unblock(self):
        self._rename("*_blocked", lambda name: name[:-len("_blocked")])


class SqliteSession:
    """A connection that stays open."""

    def __init__(self, connection):
        self.connection = connection
        self.connection.execute("SELECT 1 FROM users").fetchall()

    def run(self, sql):
        for _ in range(100):
            try:
                return self.connection.execute(sql).fetchall()
            except sqlite3.OperationalError as busy:
                if "locked" not in str(busy):
                    raise
                time.sleep(0.01)
        raise TimeoutError("SQLite stayed locked")

    def close(self):
        self.connection.close()
