# SPDX-License-Identifier: Apache-2.0
"""authsvcctl user: the first admin and those after, on a running service's database."""
import fcntl
import json
import os
import pty
import re
import subprocess
import termios
import time

import pytest

from harness import build
from harness.load import parallel
from harness.service import PASSWORD, new_email
from test_auth import problem


def dsn(service):
    engine = "pgsql" if service.engine == "postgresql" else "sqlite3"
    return ("--dsn", f"{engine}:{service.database.owner_params}")


def user(service, *args, stdin=PASSWORD + "\n", check=True):
    return build.ctl("user", *args, *dsn(service), stdin=stdin, check=check)


def refused(service, sentence, *args, **options):
    done = user(service, *args, check=False, **options)
    assert done.returncode == 1, done
    assert sentence in done.stderr
    return done


def create(service, email, *args, **options):
    return json.loads(user(service, "create", "--email", email, "--name", "Ada", "--json", *args,
                           **options).stdout)


def test_the_first_admin(service, api):
    email = new_email()
    made = create(service, email.upper(), "--role", "admin")
    assert made["email"] == email and made["role"] == "admin" and made["status"] == "active"
    grant = api.login(email).json()
    assert grant["user"]["role"] == "admin"
    assert grant["user"]["id"] == made["id"]
    assert grant["user"]["created_at"] == made["created_at"]
    shown = user(service, "show", email).stdout
    assert f"id: {made['id']}\n" in shown and "role: admin\n" in shown
    assert json.loads(user(service, "show", "--json", made["id"]).stdout) == made


@pytest.mark.parametrize("password, said", [
    ("short", "password must have at least 8 characters"),
    ("no-digit-Here", "password must contain a digit"),
    ("Nul\0inside-77", "password must be UTF-8 text without the NUL"),
    ("", "no password was given"), ("Aa1" + "x" * 5000, "too long")])
def test_passwords_meet_the_policy(service, password, said):
    email = new_email()
    refused(service, said, "create", "--email", email, "--name", "Ada", stdin=password + "\n")
    refused(service, "There is no such user", "show", email)


def test_input_meets_the_rules(service):
    email = new_email()
    done = refused(service, "email must be", "create", "--email", "nobody", "--name", " ")
    assert "name must not be blank" in done.stderr
    refused(service, "role must be user or admin", "create", "--email", email, "--name", "Ada",
            "--role", "root")
    create(service, email)
    refused(service, "exists already", "create", "--email", email, "--name", "Ada")


def test_a_password_without_its_line_end_is_whole(service, api):
    email = new_email()
    create(service, email, stdin=PASSWORD)
    assert api.login(email).status_code == 200


def test_a_terminal_is_asked_twice_and_without_echo(service, api):
    email = new_email()
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [str(build.BUILD / "authsvcctl"), "user", "create", "--email", email, "--name", "Ada",
         *dsn(service)], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**os.environ, **build.SANITIZER_ENV})
    os.close(terminal)
    said = b""
    for prompt in (b"Password: ", b"Again: "):
        end = time.monotonic() + 20
        while prompt not in said and time.monotonic() < end:
            said += os.read(controller, 1024)
        os.write(controller, PASSWORD.encode() + b"\n")
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, out
    os.close(controller)
    assert PASSWORD.encode() not in said + out
    assert api.login(email).status_code == 200


def test_a_new_role_counts_at_once(service, api):
    grant = api.new_user()
    email = grant["user"]["email"]
    assert api.me(grant["access_token"]).json()["role"] == "user"
    assert "role: admin\n" in user(service, "set", "--role", "admin", email).stdout
    problem(api.me(grant["access_token"]), 401, "authentication")
    again = api.refresh(grant["refresh_token"]).json()
    assert again["user"]["role"] == "admin"
    assert api.me(again["access_token"]).json()["role"] == "admin"
    create(service, new_email(), "--role", "admin")
    user(service, "set", "--role", "user", grant["user"]["id"])
    problem(api.me(again["access_token"]), 401, "authentication")
    assert api.refresh(again["refresh_token"]).json()["user"]["role"] == "user"


def test_the_last_admin_stays(make_service):
    service = make_service()
    api = service.api
    ada = api.new_user()
    email = ada["user"]["email"]
    user(service, "set", "--role", "admin", email)
    refused(service, "last administrator", "set", "--role", "user", email)
    ada = api.login(email).json()
    problem(api.delete(ada["access_token"]), 409, "last-admin")
    problem(api.delete(ada["access_token"], "Wrong-Password-1"), 401, "invalid-credentials")
    assert api.me(ada["access_token"]).json()["role"] == "admin"
    other = new_email()
    create(service, other, "--role", "admin")
    assert api.delete(ada["access_token"]).status_code == 204
    refused(service, "last administrator", "set", "--role", "user", other)
    # the deactivated one may lose the role
    user(service, "set", "--role", "user", email)


def test_two_admins_cannot_go_at_the_same_time(make_service):
    """Each would rely on the other: demotions and deletions race, in every pairing."""
    service = make_service()
    api = service.api
    for turn in range(12):
        grants = []
        for _ in range(2):
            email = new_email()
            create(service, email, "--role", "admin")
            grants.append(api.login(email).json())

        def demote(grant):
            done = user(service, "set", "--role", "user", grant["user"]["id"], check=False)
            return done.returncode == 0 or "last administrator" not in done.stderr

        def delete(grant):
            answer = api.delete(grant["access_token"])
            assert answer.status_code in (204, 409), answer.text
            return answer.status_code == 204

        moves = [(demote, delete)[turn % 2], (demote, delete)[turn // 2 % 2]]
        went = parallel(lambda m=m, g=g: m(g) for m, g in zip(moves, grants))
        assert sorted(went) == [False, True], (turn, went)
        rows = service.database.query(
            "SELECT count(*) FROM users WHERE role = 'admin' AND deleted_at IS NULL")
        assert rows == [("1",)]
        # clear the table for the next turn
        service.database.query("UPDATE users SET role = 'user'")


def test_list(make_service):
    service = make_service()
    emails = [service.api.new_user()["user"]["email"] for _ in range(3)]
    create(service, new_email(), "--role", "admin")
    listed = [json.loads(line) for line in user(service, "list", "--json").stdout.splitlines()]
    assert [each["email"] for each in listed[:3]] == emails and len(listed) == 4
    admins = user(service, "list", "--role", "admin").stdout.splitlines()
    assert len(admins) == 2 and admins[0].startswith("ID ") and listed[3]["id"] in admins[1]
    refused(service, "role must be", "list", "--role", "root")


def test_list_of_more_than_a_page(make_service):
    service = make_service()
    times = ("authsvc_now()", "authsvc_now()") if service.engine == "postgresql" else ("1", "1")
    rows = ", ".join(
        f"('00000000-0000-7000-8000-{n:012d}', 'u{n}@example.com', 'x', 'U', {times[0]}, {times[1]})"
        for n in range(1203))
    service.database.query("INSERT INTO users (id, email, password_hash, name, created_at, "
                           f"updated_at) VALUES {rows}")
    listed = [json.loads(line)["email"] for line in
              user(service, "list", "--json").stdout.splitlines()]
    assert listed == [f"u{n}@example.com" for n in range(1203)]


@pytest.mark.parametrize("code", [0x1b, 0x7f, 0x9b, 0x202e, 0x2066])
def test_what_a_foreign_row_holds_does_not_reach_the_terminal(service, api, code):
    grant = api.new_user()
    function = "chr" if service.engine == "postgresql" else "char"
    service.database.query(f"UPDATE users SET name = 'bad' || {function}({code}) || '[2J' "
                           f"WHERE id = '{grant['user']['id']}'")
    for args in (("show", grant["user"]["id"]), ("list",), ("list", "--json")):
        said = user(service, *args).stdout
        assert grant["user"]["id"] in said and chr(code) not in said


def test_the_site_s_own_policy(make_service):
    """With --config the directives decide, as they do for a registration."""
    service = make_service(extra=["AuthSvcPasswordLength 15 256", "AuthSvcPasswordRequire none",
                                  "AuthSvcRegistration Off"])
    config = ("--config", str(service.httpd.conf), "--httpd", build.HTTPD)
    make = ("user", "create", "--email", new_email(), "--name", "Ada", "--json")
    done = build.ctl(*make, *config, stdin=PASSWORD[:14] + "\n", check=False,
                     env=service.httpd.environment())
    assert done.returncode == 1 and "at least 15 characters" in done.stderr, done
    done = build.ctl(*make, *config, stdin="only lower case here\n",
                     env=service.httpd.environment())
    stored = service.database.query("SELECT password_hash FROM users WHERE id = "
                                    f"'{json.loads(done.stdout)['id']}'")[0][0]
    assert "m=64,t=1" in stored, "hashed at the site's cost"


def test_servers_with_different_rules(make_service):
    service = make_service(vhosts=[("strict.example", ["AuthSvcPasswordLength 20 30"])])
    config = ("--config", str(service.httpd.conf), "--httpd", build.HTTPD)
    make = ("user", "create", "--email", new_email(), "--name", "Ada")
    options = {"stdin": PASSWORD + "\n", "env": service.httpd.environment(), "check": False}
    done = build.ctl(*make, *config, **options)
    assert done.returncode == 1 and "--vhost" in done.stderr, done
    done = build.ctl(*make, *config, "--vhost", "strict.example", **options)
    assert done.returncode == 1 and "at least 20 characters" in done.stderr, done
    assert build.ctl(*make, *config, "--vhost", "localhost", **options).returncode == 0
    # who makes no account is asked nothing
    assert build.ctl("user", "list", *config, env=options["env"]).returncode == 0


def test_pauses_are_shown_and_ended(make_service):
    service = make_service()
    api, (email, other) = service.api, [service.api.new_user()["user"]["email"] for _ in range(2)]
    secret = ("--secret-file", str(service.httpd.secret("main-secret")))
    assert "login failures" not in user(service, "show", *secret, email).stdout
    for _ in range(10):
        assert api.login(email, "Wrong-Password-1").status_code == 401
    assert api.login(email).status_code == 401, "in a pause"

    def shown():
        return user(service, "show", *secret, email).stdout

    build.wait_until(lambda: "paused until" in shown(), 10, "it is written")
    assert re.search(r"^login failures: 10, ip 127\.0\.0\.1, paused until \d{4}-\S+Z$", shown(), re.M)
    assert re.search(r"^login failures: 10, all$", shown(), re.M)
    lines = json.loads(user(service, "show", "--json", *secret, email).stdout)["login_failures"]
    assert {line["place"]: line["failures"] for line in lines} == {"ip 127.0.0.1": 10, "all": 10}
    assert "login failures" not in user(service, "show", email).stdout, "without the secrets"
    assert "of 0 places" in user(service, "unlock", *secret, other).stdout
    assert api.login(email).status_code == 401, "the control: somebody else's"
    config = ("--config", str(service.httpd.conf), "--httpd", build.HTTPD)
    done = build.ctl("user", "unlock", email, *config, env=service.httpd.environment())
    assert "forgotten: of 2 places" in done.stdout
    assert api.login(email).status_code == 200
    assert "login failures" not in shown()


def test_show_does_without_the_secrets(make_service):
    service = make_service()
    email = service.api.new_user()["user"]["email"]
    config = ("--config", str(service.httpd.conf), "--httpd", build.HTTPD)
    env = service.httpd.environment()
    assert build.ctl("user", "show", email, *config, env=env).stderr == "", "the control"
    # httpd can read it, and authsvcctl cannot
    secret = service.httpd.secret("main-secret")
    program = service.httpd.root / "run" / "httpd-then-none"
    program.write_text(f"#!/bin/sh\n{build.HTTPD} \"$@\" || exit\nrm {secret}\n")
    program.chmod(0o755)
    content = secret.read_bytes()

    def without(*args, check=True):
        secret.write_bytes(content)
        secret.chmod(0o600)
        return build.ctl("user", *args, email, *config[:3], str(program), env=env, check=check)

    done = without("show")
    assert f"email: {email}" in done.stdout
    assert "login failures are not shown" in done.stderr and str(secret) in done.stderr
    assert "login_failures" not in json.loads(without("show", "--json").stdout)
    assert without("unlock", check=False).returncode == 1
    done = user(service, "show", email)
    assert f"email: {email}" in done.stdout and "--secret-file" in done.stderr


def test_show_judges_by_the_sites_window(make_service):
    """A sum that counts by the configuration, and no more by the default."""
    service = make_service(extra=["AuthSvcLoginFailuresPerAccount 100/3h"])
    email = service.api.new_user()["user"]["email"]
    for _ in range(4):
        assert service.api.login(email, "Wrong-Password-1").status_code == 401
    config = ("--config", str(service.httpd.conf), "--httpd", build.HTTPD)

    def shown(*where):
        return build.ctl("user", "show", email, *where, env=service.httpd.environment()).stdout

    build.wait_until(lambda: "login failures: 4, all" in shown(*config), 10, "it is written")
    service.database.shift("login_failures", "since", -7200, "place = 'all'")
    assert "login failures: 4, all" in shown(*config)
    secret = ("--secret-file", str(service.httpd.secret("main-secret")))
    assert ", all" not in user(service, "show", *secret, email).stdout, "the control: the default"


def test_unlock_needs_the_secrets(service):
    email = new_email()
    create(service, email)
    done = user(service, "unlock", email, check=False)
    assert done.returncode == 2 and "--secret-file" in done.stderr
    done = user(service, "unlock", "--secret-file", "/nonexistent", email, check=False)
    assert done.returncode == 1 and "/nonexistent" in done.stderr


@pytest.mark.parametrize("args", [
    ("unlock",), ("unlock", "a", "b"), ("list", "--secret-file", "x"),
    (), ("destroy",), ("create", "--email", "a@example.com"), ("create", "--name", "A"),
    ("show",), ("show", "a", "b"), ("show", "a", "--role", "user"), ("set", "a@example.com"),
    ("set", "--role", "admin"), ("list", "a"), ("list", "--name", "x"), ("list", "--sort", "x")])
def test_wrong_usage(service, args):
    done = build.ctl("user", *args, *(dsn(service) if args else ()), check=False)
    assert done.returncode == 2 and "--help" in done.stderr


def test_no_database(service, tmp_path):
    del service
    done = build.ctl("user", "list", "--dsn", f"sqlite3:{tmp_path}/none.db", check=False)
    assert done.returncode == 1 and "there is no file" in done.stderr
    assert not (tmp_path / "none.db").exists()
