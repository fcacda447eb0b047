# SPDX-License-Identifier: Apache-2.0
"""A private PgBouncer in transaction mode in front of a cluster."""
import os
import shutil
import signal
import subprocess

from . import build

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"


class PgBouncer:
    """
    Any database and role of the cluster, by 127.0.0.1. Nobody has a password: the role is looked
    up, as new ones come with each test.
    """

    def __init__(self, target, port, settings=()):
        self.dir = build.scratch("bouncer")
        self.port = build.free_port()
        self.process = None
        build.give_to(self.dir, "postgres")
        lines = ["[databases]", f"* = host={target} port={port} auth_user=postgres",
                 "[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {self.port}",
                 "unix_socket_dir =", "auth_type = trust", f"auth_file = {self.dir}/users",
                 "auth_query = SELECT rolname, '' FROM pg_roles WHERE rolname = $1",
                 "pool_mode = transaction", "max_client_conn = 400", "default_pool_size = 10",
                 "server_login_retry = 1", "server_idle_timeout = 5",
                 f"logfile = {self.dir}/log", "admin_users = postgres",
                 *settings]
        (self.dir / "pgbouncer.ini").write_text("\n".join(lines) + "\n", encoding="ascii")
        (self.dir / "users").write_text('"postgres" ""\n', encoding="ascii")
        self.start()

    def start(self):
        command = build.ending_with_us(PROGRAM, "-q", self.dir / "pgbouncer.ini", user="postgres")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd="/",
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        build.wait_until(self._answers, 20, "PgBouncer answers")

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("PgBouncer ended: " + self.log())
        return self.admin("SHOW VERSION") is not None

    def admin(self, command):
        """What the console says; None if nobody answers."""
        done = subprocess.run([build.PSQL, "-X", "-q", "-A", "-t", "-d",
                               f"host=127.0.0.1 port={self.port} dbname=pgbouncer user=postgres "
                               "connect_timeout=2", "-c", command],
                              capture_output=True, text=True, timeout=20, check=False)
        return done.stdout if done.returncode == 0 else None

    def log(self):
        log = self.dir / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def stop(self, how=signal.SIGTERM):
        """At once, with all its connections."""
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, how)
            self.process.wait(20)
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def destroy(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)
