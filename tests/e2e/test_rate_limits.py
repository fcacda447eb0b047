# SPDX-License-Identifier: Apache-2.0
"""Rate limits: how many are admitted, for whom it is counted, and what the answers say."""
import re

from harness.service import PASSWORD, new_email

SLUG = "/problems/rate-limited"


def items(field):
    """A RateLimit field as {name: {parameter: number}}."""
    found = {}
    for item in field.split(", "):
        name, *parameters = item.split(";")
        found[name.strip('"')] = {key: int(value) for key, value in
                                  (parameter.split("=") for parameter in parameters)}
    return found


def is_limited(answer):
    """Whether an answer is 429, which has all that it should have."""
    if answer.status_code != 429:
        assert "Retry-After" not in answer.headers or answer.status_code == 503
        return False
    assert answer.json()["type"].endswith(SLUG)
    (told,) = items(answer.headers["RateLimit"]).values()
    assert told["r"] == 0
    assert int(answer.headers["Retry-After"]) >= told["t"] >= 1
    return True


def limited(make_service, *lines, **options):
    return make_service(extra=lines, limits=True, **options)


def test_logins_in_the_name_of_an_account_are_limited(make_service):
    service = limited(make_service)
    email = new_email()
    service.api.new_user(email=email)
    answers = [service.api.login(email, "Wrong-Horse-8") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert is_limited(answers[-1])
    assert service.api.login(email).status_code == 429, "the right password does not help"
    assert service.api.login(new_email()).status_code == 401, "another account is not concerned"
