# SPDX-License-Identifier: Apache-2.0
"""Clients as they are in the world: what a browser or library does when a connection breaks."""
import time

import httpx

from clients import crew


class Patient:
    """
    In place of an httpx.Client. A connection that was kept alive and that the server closed before
    it answered is opened anew and the request sent again, once. What fails on a connection of its
    own is not: nobody can know whether it was done.
    """

    def __init__(self, client):
        self.client = client
        self.opened = []
        self.repeated = []  # when

    def request(self, method, url, **options):
        self.opened.clear()
        try:
            return self.send(method, url, **options)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if self.opened:
                raise
        self.repeated.append(time.monotonic())
        return self.send(method, url, **options)

    def send(self, method, url, **options):
        return self.client.request(method, url, extensions={"trace": self.trace}, **options)

    def trace(self, name, info):
        del info
        if name == "connection.connect_tcp.started":
            self.opened.append(name)

    def close(self):
        self.client.close()


def fresh(client):
    """The same without keep-alive: each request on a connection of its own."""
    return httpx.Client(base_url=client.base_url, timeout=client.timeout, trust_env=False,
                        limits=httpx.Limits(max_keepalive_connections=0),
                        headers={"Connection": "close"})


def patient_crew(load):
    """The usual mix; every other client keeps its connection, the rest open one per request."""
    made = crew(load)
    for number, client in enumerate(made):
        inner = client.api.client
        if number % 2:
            client.api.client = fresh(inner)
            inner.close()
        client.api.client = Patient(client.api.client)
    return made


def lonely_crew(load):
    """The usual mix, each request on a connection of its own."""
    made = crew(load)
    for client in made:
        inner = client.api.client
        client.api.client = Patient(fresh(inner))
        inner.close()
    return made


def repeated(load):
    """How many requests were sent again."""
    return sum(client.repeated() for client in load.clients)
