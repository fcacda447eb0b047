# SPDX-License-Identifier: Apache-2.0
"""Nobody learns from login whether an account exists."""
import re
import statistics
import time

import pytest

from harness.service import new_email


def comparable(answer):
    """Status, header fields in order, and body, without what differs for every request."""
    headers = [(name, value) for name, value in answer.headers.raw
               if name.lower() not in (b"date", b"x-request-id")]
    body = re.sub(rb'"request_id":\s*"[^"]*"', b'"request_id":""', answer.content)
    return answer.status_code, headers, body


def test_login_answers_are_identical(api):
    known = api.new_user()["user"]["email"]
    deleted = api.new_user()
    assert api.delete(deleted["access_token"]).status_code == 204
    wrong = comparable(api.login(known, "Wrong-Password-1"))
    assert wrong[0] == 401
    assert comparable(api.login(new_email(), "Wrong-Password-1")) == wrong
    assert comparable(api.login(deleted["user"]["email"], "Wrong-Password-1")) == wrong
    assert comparable(api.login("nobody@unknown.example", "x")) == wrong
    assert comparable(api.login(known))[0] == 200


@pytest.mark.slow
def test_login_takes_the_same_work(make_service):
    """Medians of interleaved samples; an unknown user without a hash would be 10 times faster."""
    service = make_service(cost="AuthSvcPasswordCost 32M 2")
    api = service.api
    known = api.new_user()["user"]["email"]
    classes = {"known": lambda: known, "unknown": new_email}
    for email in list(classes.values()) * 2:
        api.login(email(), "Wrong-Password-1")
    start = time.perf_counter()
    api.get("/health/live")
    floor = time.perf_counter() - start
    apart = []
    for _ in range(3):  # what else the machine does can part two medians, but not join them thrice
        samples = {name: [] for name in classes}
        for _ in range(60):
            for name, email in classes.items():
                start = time.perf_counter()
                assert api.login(email(), "Wrong-Password-1").status_code == 401
                samples[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(values) for name, values in samples.items()}
        assert medians["unknown"] > 5 * floor, "positive control: hashing dominates"
        apart.append(abs(medians["known"] - medians["unknown"]) / medians["known"])
        if apart[-1] < 0.1:
            break
    assert min(apart) < 0.1, apart
