# SPDX-License-Identifier: Apache-2.0
"""authsvcctl migrate, from outside: each engine, by --dsn and by httpd's own configuration."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AUTHSVC_BUILDDIR") or SOURCE / "build").resolve()
MODULES = pathlib.Path(os.environ.get("AUTHSVC_HTTPD_MODULES") or "/usr/lib/apache2/modules")
HTTPD = os.environ.get("AUTHSVC_HTTPD") or shutil.which("apache2") or "/usr/sbin/apache2"
CLUSTER = SOURCE / "tests" / "lib" / "pg-cluster"
HTTPD_USER = "www-data"
NEWEST = max(int(f.name[:4]) for f in (SOURCE / "sql" / "sqlite").glob("*.up.sql"))


def ctl(*args, code=0, env=None):
    full = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", **(env or {}))
    done = subprocess.run([BUILD / "authsvcctl", *map(str, args)], capture_output=True, text=True,
                          timeout=60, env=full, check=False)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def migrate(*args, **more):
    return ctl("migrate", *args, **more)


@pytest.fixture(scope="module")
def cluster():
    """The conninfo of a private PostgreSQL."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="authsvc-migrate-pg-"))
    done = subprocess.run([CLUSTER, "start", folder, str(os.getpid())], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    yield done.stdout.strip()
    subprocess.run([CLUSTER, "stop", folder], check=True, timeout=60, stdout=subprocess.DEVNULL)


def psql(conninfo, sql):
    return subprocess.run(["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", conninfo, "-c",
                           sql], check=True, capture_output=True, text=True, timeout=60
                          ).stdout.strip()


class PostgresDatabase:
    """A new, empty database of the cluster."""

    count = 0

    def __init__(self, conninfo):
        type(self).count += 1
        name = f"m{os.getpid()}_{self.count}"
        psql(conninfo + " dbname=postgres", f"CREATE DATABASE {name}")
        self.driver = "pgsql"
        self.params = f"{conninfo} dbname={name}"

    def run(self, sql):
        return psql(self.params, sql)

    def dump(self):
        done = subprocess.run(["pg_dump", "--schema-only", "-d", self.params], check=True,
                              capture_output=True, text=True, timeout=60)
        # newer releases write a random key around the script
        return "\n".join(line for line in done.stdout.splitlines()
                         if not line.startswith(("\\restrict", "\\unrestrict")))


class SqliteDatabase:
    """A file that is not there yet."""

    def __init__(self, folder):
        self.driver = "sqlite3"
        self.params = str(folder / "accounts.db")

    def run(self, sql):
        return subprocess.run(["sqlite3", self.params, sql], check=True, capture_output=True,
                              text=True, timeout=60).stdout.strip()

    def dump(self):
        return self.run(".schema")


@pytest.fixture(params=["sqlite3", "pgsql"])
def database(request, tmp_path):
    if request.param == "sqlite3":
        return SqliteDatabase(tmp_path)
    return PostgresDatabase(request.getfixturevalue("cluster"))


def dsn(database):
    return f"{database.driver}:{database.params}"


def states(database):
    lines = migrate("status", "--dsn", dsn(database)).stdout.splitlines()[1:]
    return [line.split()[2] for line in lines]


def add_user(database):
    times = "" if database.driver == "pgsql" else ", 0, 0"
    columns = "" if database.driver == "pgsql" else ", created_at, updated_at"
    database.run(f"INSERT INTO users (id, email, password_hash, name{columns}) VALUES "
                 f"('0190a000-1234-7abc-8def-0123456789ab', 'a@example.org', 'x', 'A'{times})")


def test_up_down_up_is_identical(database):
    done = migrate("up", "--dsn", dsn(database))
    assert "0001 create_users: applied" in done.stdout
    first = database.dump()
    assert "CREATE TABLE" in first and "idx_users_email" in first
    assert states(database) == ["applied"] * NEWEST
    migrate("up", "--dsn", dsn(database))
    assert database.dump() == first
    migrate("down", "--to", "0", "--dsn", dsn(database))
    emptied = database.dump()
    for word in ("users", "sessions", "authsvc", "user_role"):
        assert word not in emptied
    migrate("up", "--dsn", dsn(database))
    assert database.dump() == first


def test_down_asks_before_rows_are_lost(database):
    migrate("up", "--dsn", dsn(database))
    add_user(database)
    refused = migrate("down", "--to", "0", "--dsn", dsn(database), code=1)
    assert "users" in refused.stderr and "--yes" in refused.stderr
    assert database.run("SELECT count(*) FROM users") == "1"
    assert states(database) == ["applied"] * NEWEST
    # the newest alone holds no rows
    migrate("down", "--dsn", dsn(database))
    assert states(database) == ["applied"] * (NEWEST - 1) + ["pending"]
    migrate("down", "--to", "0", "--yes", "--dsn", dsn(database))
    assert states(database) == ["pending"] * NEWEST


def test_to_stops_there(database):
    migrate("up", "--to", "1", "--dsn", dsn(database))
    assert states(database) == ["applied"] + ["pending"] * (NEWEST - 1)
    migrate("up", "--to", NEWEST + 1, "--dsn", dsn(database), code=2)
    migrate("up", "--to", "0", "--dsn", dsn(database), code=2)
    migrate("up", "--dsn", dsn(database))
    assert states(database) == ["applied"] * NEWEST


def test_a_changed_migration_is_refused(database):
    migrate("up", "--dsn", dsn(database))
    database.run("UPDATE authsvc_schema SET checksum = repeat('0', 64) WHERE version = 1"
                 if database.driver == "pgsql" else
                 "UPDATE authsvc_schema SET checksum = printf('%064d', 0) WHERE version = 1")
    before = database.dump()
    assert states(database)[0] == "changed"
    for action in (["up"], ["down", "--to", "0"]):
        refused = migrate(*action, "--dsn", dsn(database), code=1)
        assert "0001_create_users" in refused.stderr
    assert database.dump() == before


def test_two_at_once(database):
    if database.driver == "sqlite3":
        pathlib.Path(database.params).touch()
    running = [subprocess.Popen([BUILD / "authsvcctl", "migrate", "up", "--dsn", dsn(database)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in range(4)]
    outputs = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * 4, outputs
    assert sum(out.count(": applied") for out, _ in outputs) == NEWEST
    assert states(database) == ["applied"] * NEWEST


def test_the_sqlite_file_is_private(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    if os.geteuid() == 0:
        user = pwd.getpwnam(HTTPD_USER)
        os.chown(folder, user.pw_uid, user.pw_gid)
    path = folder / "accounts.db"
    for action in ("status", "down"):
        missing = migrate(action, "--dsn", f"sqlite3:{path}", code=1)
        assert "migrate up" in missing.stderr
        assert not path.exists()
    migrate("up", "--dsn", f"sqlite3:{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    for file in folder.iterdir():
        assert file.stat().st_uid == folder.stat().st_uid
    no_folder = migrate("up", "--dsn", f"sqlite3:{tmp_path}/nothing/accounts.db", code=1)
    assert "no directory" in no_folder.stderr


def other_modes(path):
    return path.stat().st_mode & 0o7


def test_a_file_that_others_may_read_becomes_private(tmp_path):
    """What httpd leaves that comes before the first migration: an empty file by its umask."""
    folder = tmp_path / "state"
    folder.mkdir()
    path = folder / "accounts.db"
    path.touch()
    path.chmod(0o644)
    if os.geteuid() == 0:
        user = pwd.getpwnam(HTTPD_USER)
        for entry in (folder, path):
            os.chown(entry, user.pw_uid, user.pw_gid)
    assert other_modes(path) == 4
    done = migrate("up", "--dsn", f"sqlite3:{path}")
    assert "AS0105" not in done.stderr
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o664)
    migrate("status", "--dsn", f"sqlite3:{path}")
    assert path.stat().st_mode & 0o777 == 0o660


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of others")
@pytest.mark.parametrize("way", ["symlink", "link", "owner"])
def test_the_owner_of_the_directory_cannot_lead_root(tmp_path, way):
    """Root changes no file that the directory's owner could only point at."""
    user = pwd.getpwnam(HTTPD_USER)
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, user.pw_uid, user.pw_gid)
    target = tmp_path / "elsewhere"
    target.touch()
    target.chmod(0o644)
    path = folder / "accounts.db"
    if way == "symlink":
        path.symlink_to(target)
    elif way == "link":
        path.hardlink_to(target)
    else:
        target.rename(path)
        target = path
    done = migrate("up", "--dsn", f"sqlite3:{path}")
    assert other_modes(target) == 4
    assert "AS0105" in done.stderr and "chmod o=" in done.stderr


def test_grant(cluster):
    database = PostgresDatabase(cluster)
    role = f"web_{os.getpid()}"
    database.run(f"CREATE ROLE {role} LOGIN")
    migrate("up", "--grant", role, "--dsn", dsn(database))
    web = database.params.replace("user=postgres", f"user={role}")
    psql(web, "INSERT INTO users (email, password_hash, name) VALUES ('b@example.org', 'x', 'B')")
    assert psql(web, "SELECT count(*), max(authsvc_now(0)) > now() - interval '1 minute' "
                     "FROM users") == "1|t"
    psql(web, "DELETE FROM users")
    for forbidden in ("DROP TABLE users", "TRUNCATE users", "DELETE FROM authsvc_schema",
                      "INSERT INTO authsvc_database DEFAULT VALUES"):
        with pytest.raises(subprocess.CalledProcessError):
            psql(web, forbidden)
    unknown = migrate("up", "--grant", "nobody_there", "--dsn", dsn(database), code=1)
    assert "nobody_there" in unknown.stderr


@pytest.mark.parametrize("args", [
    (), ("sideways",), ("up",), ("up", "--dsn", "mysql:x"), ("up", "--dsn", "pgsql"),
    ("up", "--dsn", "sqlite3:"), ("up", "--dsn", "sqlite3::memory:"),
    ("up", "--dsn", "sqlite3:/x", "--config", "y"), ("up", "--dsn", "sqlite3:/x", "--vhost", "v"),
    ("up", "--dsn", "sqlite3:/x", "--yes"), ("up", "--dsn", "sqlite3:/x", "more"),
    ("status", "--dsn", "sqlite3:/x", "--to", "1"), ("down", "--dsn", "sqlite3:/x", "--grant", "r"),
    ("up", "--dsn", "sqlite3:/x", "--grant", "r"), ("up", "--dsn", "sqlite3:/x", "--to", "-1"),
])
def test_wrong_usage(args):
    assert "--help" in migrate(*args, code=2).stderr


@pytest.mark.parametrize("params", ["hush-hush", "host=/nonexistent password=hush-hush"])
def test_a_password_is_never_shown(params):
    done = migrate("status", "--dsn", f"pgsql:{params}", code=1)
    assert "hush" not in done.stdout + done.stderr


# --- by httpd's configuration ---

def module():
    for place in (BUILD / ".libs", BUILD):
        if (place / "mod_authsvc.so").exists():
            return place / "mod_authsvc.so"
    raise FileNotFoundError(f"mod_authsvc.so is not in {BUILD}")


@pytest.fixture
def site(tmp_path):
    """Write an httpd.conf: lines of the main server, and of virtual hosts by name."""
    ctl("key", "generate", "--alg", "ES256", tmp_path / "key.pem")
    ctl("secret", "generate", tmp_path / "secret")
    (tmp_path / "logs").mkdir()

    def mounted(driver, params):
        return [f"DBDriver {driver}", f'DBDParams "{params}"', "AuthSvcIssuer https://example.org",
                f"AuthSvcSigningKey {tmp_path}/key.pem", f"AuthSvcSecretFile {tmp_path}/secret",
                '<Location "/api">', "AuthSvc On", "</Location>"]

    def write(main=(), vhosts=()):
        lines = [f"ServerRoot {tmp_path}", "ServerName main.example.org", "Listen 127.0.0.1:8099",
                 "ErrorLog logs/error.log", "PidFile logs/pid", "DefaultRuntimeDir logs",
                 f"LoadModule mpm_event_module {MODULES}/mod_mpm_event.so",
                 f"LoadModule authz_core_module {MODULES}/mod_authz_core.so",
                 f"LoadModule dbd_module {MODULES}/mod_dbd.so",
                 f"LoadModule authsvc_module {module()}", *main]
        if os.geteuid() == 0:
            lines += [f"User {HTTPD_USER}", f"Group {HTTPD_USER}"]
        for name, own in vhosts:
            lines += ["<VirtualHost 127.0.0.1:8099>", f"ServerName {name}",
                      f"ServerAlias www.{name}", *own, "</VirtualHost>"]
        path = tmp_path / "httpd.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    write.mounted = mounted
    return write


def by_config(conf, *args, code=0):
    # an httpd that was not built for sanitizers needs their library before a module that was
    preload = os.environ.get("AUTHSVC_TEST_PRELOAD")
    return migrate(*args, "--config", conf, "--httpd", HTTPD, code=code,
                   env={"LD_PRELOAD": preload} if preload else None)


def test_config_of_the_main_server(site, database):
    conf = site(site.mounted(database.driver, database.params))
    assert "is at version" in by_config(conf, "up").stdout
    assert states(database) == ["applied"] * NEWEST
    relative = os.path.relpath(conf)
    assert "create_users" in by_config(relative, "status").stdout


def test_config_of_a_vhost(site, tmp_path):
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    conf = site((), [("one.example.org", site.mounted("sqlite3", first)),
                     ("two.example.org", [*site.mounted("sqlite3", second),
                                          "AuthSvcAudience two"]),
                     ("plain.example.org", [])])
    several = by_config(conf, "up", code=1)
    assert "--vhost" in several.stderr and "two.example.org:8099" in several.stderr
    assert str(first) not in several.stderr
    by_config(conf, "up", "--vhost", "two.example.org")
    assert second.exists() and not first.exists()
    by_config(conf, "up", "--vhost", "WWW.one.example.org:8099")
    assert first.exists()
    assert "AuthSvc On" in by_config(conf, "up", "--vhost", "plain.example.org", code=1).stderr
    assert "three" in by_config(conf, "up", "--vhost", "three.example.org", code=1).stderr


def test_config_that_httpd_refuses(site, tmp_path):
    conf = site(["NoSuchDirective On"])
    assert "NoSuchDirective" in by_config(conf, "up", code=1).stderr
    conf = site()
    assert "AuthSvc On" in by_config(conf, "up", code=1).stderr
    assert "--httpd" in migrate("up", "--config", conf, "--httpd", tmp_path / "none",
                                code=1).stderr
    conf.write_text(conf.read_text(encoding="utf-8").replace("LoadModule authsvc", "#"),
                    encoding="utf-8")
    assert "mod_authsvc" in by_config(conf, "up", code=1).stderr
