# SPDX-License-Identifier: Apache-2.0
"""Access tokens from outside: forged ones are refused, other libraries accept ours."""
import hashlib
import json
import os
import subprocess
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives import hashes

from harness import build, tokens
from harness.service import Service, bearer
from harness.tokens import b64, unb64
from test_auth import problem

ALGORITHMS = ("RS256", "ES256", "EdDSA")


@pytest.fixture(scope="module", params=ALGORITHMS)
def signed(request, engine):
    """A service by each algorithm."""
    made = Service(engine, alg=request.param)
    made.alg = request.param
    yield made
    made.destroy()


def key_path(service, alg):
    return service.httpd.root / "keys" / f"main-{alg.lower()}.pem"


def test_claims_and_keys(signed):
    before = int(time.time())
    grant = signed.api.new_user()
    header, claims = tokens.parts(grant["access_token"])
    keys = signed.api.get("/.well-known/jwks.json").json()["keys"]
    assert len(keys) == 1
    key = keys[0]
    assert (header["alg"], header["typ"], header["kid"]) == (signed.alg, "JWT", key["kid"])
    assert (key["alg"], key["use"]) == (signed.alg, "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
    members = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"),
               "OKP": ("crv", "kty", "x")}[key["kty"]]
    canonical = json.dumps({name: key[name] for name in members}, separators=(",", ":"))
    assert key["kid"] == b64(hashlib.sha256(canonical.encode()).digest()), "RFC 7638"
    if key["kty"] == "RSA":
        assert len(unb64(key["n"])) >= 256
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "epoch",
                           "role", "email", "email_verified", "name"}
    assert (claims["iss"], claims["aud"]) == (signed.issuer, signed.issuer)
    assert claims["sub"] == grant["user"]["id"]
    assert claims["exp"] - claims["iat"] == 900
    assert before - 1 <= claims["iat"] <= time.time() + 1
    assert (claims["role"], claims["email_verified"]) == ("user", False)
    assert (claims["email"], claims["name"]) == (grant["user"]["email"], grant["user"]["name"])
    uuid.UUID(claims["sid"])


def test_pyjwt_verifies(signed):
    token = signed.api.new_user()["access_token"]
    client = jwt.PyJWKClient(f"{signed.issuer}/.well-known/jwks.json")
    key = client.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=[signed.alg], audience=signed.issuer,
                        issuer=signed.issuer)
    assert claims["role"] == "user"
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token, key.key, algorithms=[signed.alg], audience="other")


def run_jose(token, service, audience=None):
    script = build.SOURCE / "openapi" / "verify-token.mjs"
    return subprocess.run(
        ["node", str(script), f"{service.issuer}/.well-known/jwks.json", service.issuer,
         audience or service.issuer, token], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(not (build.SOURCE / "openapi" / "node_modules" / "jose").exists()
                    and not os.environ.get("CI"), reason="npm ci has not run in openapi/")
def test_jose_verifies(signed):
    """createRemoteJWKSet finds our keys, jwtVerify accepts our token."""
    token = signed.api.new_user()["access_token"]
    done = run_jose(token, signed)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["claims"]["sub"] == tokens.parts(token)[1]["sub"]
    assert run_jose(token, signed, audience="other").returncode != 0
    head, body, _ = token.split(".")
    assert run_jose(f"{head}.{body}.{b64(b'x' * 64)}", signed).returncode != 0


def test_discovery(signed):
    document = signed.api.get("/.well-known/openid-configuration").json()
    assert document["issuer"] == signed.issuer
    assert document["jwks_uri"] == f"{signed.issuer}/.well-known/jwks.json"
    assert signed.alg in document["id_token_signing_alg_values_supported"]


def refused(service, token):
    answer = service.api.me(token)
    problem(answer, 401, "authentication")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_forged_tokens(signed):
    service = signed
    token = service.api.new_user()["access_token"]
    header, claims = tokens.parts(token)
    head, body, signature = token.split(".")
    signer = tokens.Signer(key_path(service, service.alg))
    stranger_key = service.httpd.key("stranger.pem", service.alg)
    stranger = tokens.Signer(stranger_key)
    now = int(time.time())

    assert service.api.me(signer.token(header, claims)).status_code == 200, "positive control"

    for alg in ("none", "None", "NONE", "nOnE", ""):
        unsigned = f"{b64(json.dumps(dict(header, alg=alg)))}.{body}."
        for tail in ("", signature, b64(b"x" * 64)):
            refused(service, unsigned + tail)
    pem = signer.public_pem()
    jwk = service.api.get("/.well-known/jwks.json").json()["keys"][0]
    hmac_keys = [pem, pem.rstrip(b"\n"), pem.replace(b"\n", b"\r\n"), signer.public_der(), b"",
                 json.dumps(jwk).encode(), json.dumps(jwk, separators=(",", ":")).encode(),
                 unb64(jwk.get("n") or jwk["x"])]
    for alg, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384),
                        ("HS512", hashlib.sha512)):
        for key in hmac_keys:
            refused(service, tokens.hmac_token(dict(header, alg=alg), claims, key, digest))
    for alg in ("RS384", "RS512", "PS256", "ES384", "ES256K", service.alg.lower() + " ",
                "rs256", "es256", "eddsa", "Ed25519", 256, None, [service.alg], {}):
        refused(service, signer.token(dict(header, alg=alg), claims))
    if service.alg == "RS256":
        refused(service, signer.token(dict(header, alg="RS512"), claims, digest=hashes.SHA512()))
        refused(service, signer.token(dict(header, alg="PS256"), claims, pss=True))
    refused(service, stranger.token(header, claims))
    for extra in ({"jwk": jwk}, {"jku": f"{service.httpd.origin}/keys"}, {"x5u": "http://x/"},
                  {"x5c": ["AAAA"]}, {"crit": ["exp"]}, {"crit": []},
                  {"crit": ["b64"], "b64": False}):
        refused(service, signer.token(dict(header, **extra), claims))
        refused(service, stranger.token(dict(header, **extra), claims))
    for kid in ("unknown", "../../dev/null", "' OR 1=1", "x" * 3000, "\0", 7, [], None, "",
                header["kid"] + "\0", header["kid"].lower() + "x"):
        refused(service, signer.token(dict(header, kid=kid), claims))
    refused(service, signer.token({k: v for k, v in header.items() if k != "kid"}, claims))
    for typ in ("at+jwt", "refresh", "", "JOSE", 1, None):
        refused(service, signer.token(dict(header, typ=typ), claims))
    for name in claims:
        if name in ("iat", "nbf", "jti", "role", "email_verified", "email", "name"):
            continue
        cut = {k: v for k, v in claims.items() if k != name}
        refused(service, signer.token(header, cut))
    for exp in (0, -1, now - 60, now - 1, now + 1.5, str(now + 900), None, [now + 900], True,
                2 ** 63, 2 ** 64, 10 ** 30):
        refused(service, signer.token(header, dict(claims, exp=exp)))
    for text in ("1e300", "1e999", "NaN", f"{now + 900}.0"):
        payload = json.dumps(claims).replace(str(claims["exp"]), text)
        refused(service, signer.token(header, payload))
    for name in ("iat", "nbf"):
        refused(service, signer.token(header, dict(claims, **{name: now + 120})))
        assert service.api.me(signer.token(header, dict(claims, **{name: now + 5}))
                              ).status_code == 200, "within the leeway"
    for name in ("iss", "aud"):
        value = claims[name]
        for wrong in ("", "other", value + "/", value[:-1], value.upper(), 7, None, [], ["other"],
                      {"x": value}):
            refused(service, signer.token(header, dict(claims, **{name: wrong})))
    text = json.dumps(claims)
    refused(service, signer.token(header, text[:-1] + f', "sub": "{claims["sub"]}"}}'))
    refused(service, signer.token(json.dumps(header)[:-1] + f', "alg": "{service.alg}"}}', claims))
    refused(service, signer.token(header, text + "\0{}"))
    refused(service, signer.token(header, "\ufeff" + text))
    refused(service, signer.token(header, "[" * 2000 + "]" * 2000))
    refused(service, signer.token(header, f"[{text}]"))
    for count in (1, 2, 4, 5):
        refused(service, ".".join(([head, body, signature] + ["x", "y"])[:count]))
    for shape in (token + ".", token + "=", token + "==", token[:-1], token + "A",
                  token.replace(".", "..", 1), f"{head}.{body}.", f".{body}.{signature}",
                  f"{head}=.{body}.{signature}", head + "\t." + body + "." + signature):
        answer = service.api.get("/users/me", headers=bearer(shape))
        assert answer.status_code in (400, 401), shape
    for position in (1, 2, -2, -3, len(signature) // 2):
        flipped = "A" if signature[position] != "A" else "B"
        altered = signature[:position % len(signature)] + flipped + \
            signature[position % len(signature) + 1:]
        refused(service, f"{head}.{body}.{altered}")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    index = last.index(signature[-1])
    refused(service, f"{head}.{body}.{signature[:-1]}{last[index ^ 1]}")
    assert service.api.me(token).status_code == 200, "positive control at the end"


@pytest.mark.parametrize("size", [4096, 7000, 20000, 300000])
def test_long_tokens(service, size):
    answer = service.api.request("GET", "/users/me", check=False, headers=bearer("x" * size))
    assert 400 <= answer.status_code < 500
    answer = service.api.refresh("asr1_" + "x" * size, check=False)
    assert answer.status_code in (400, 401, 413)


def test_token_type(make_service):
    service = make_service(extra=["AuthSvcTokenType at+jwt"])
    token = service.api.new_user()["access_token"]
    header, claims = tokens.parts(token)
    assert header["typ"] == "at+jwt"
    assert service.api.me(token).status_code == 200
    signer = tokens.Signer(key_path(service, "RS256"))
    refused(service, signer.token(dict(header, typ="JWT"), claims))


def test_audience_and_lifetime(make_service):
    service = make_service(extra=["AuthSvcAudience https://shop.example",
                                  "AuthSvcAccessTokenLifetime 2s"])
    grant = service.api.new_user()
    _, claims = tokens.parts(grant["access_token"])
    assert claims["aud"] == "https://shop.example"
    assert grant["expires_in"] == 2
    assert service.api.me(grant["access_token"]).status_code == 200
    time.sleep(3.1)
    refused(service, grant["access_token"])
    assert service.api.refresh(grant["refresh_token"]).status_code == 200


def test_key_rotation(make_service):
    """The old key goes on verifying until it is taken out; nobody is cut off."""
    service = make_service()
    httpd = service.httpd
    old = service.api.new_user()
    new_key = httpd.key("next.pem", "ES256")
    signing = f"AuthSvcSigningKey {key_path(service, 'RS256')}"
    httpd.main = [f"AuthSvcSigningKey {new_key}" if line == signing else line
                  for line in httpd.main]
    verify = f"AuthSvcVerifyKey {key_path(service, 'RS256')}"
    httpd.main.append(verify)
    httpd.graceful()
    fresh = service.new_api()
    assert fresh.me(old["access_token"]).status_code == 200
    grant = fresh.refresh(old["refresh_token"]).json()
    assert tokens.parts(grant["access_token"])[0]["alg"] == "ES256"
    assert len(fresh.get("/.well-known/jwks.json").json()["keys"]) == 2
    httpd.main.remove(verify)
    httpd.graceful()
    fresh.close()
    fresh = service.new_api()
    problem(fresh.me(old["access_token"]), 401, "authentication")
    assert fresh.me(grant["access_token"]).status_code == 200
    fresh.close()


def test_secret_rotation(make_service):
    """Append, move to the front, remove: refresh tokens of kept secrets live on."""
    service = make_service()
    secret = service.httpd.root / "keys" / "main-secret"
    first = secret.read_text(encoding="ascii")
    grant = service.api.new_user()
    second_file = service.httpd.root / "keys" / "second"
    build.ctl("secret", "generate", "--number", "2", second_file)
    second = second_file.read_text(encoding="ascii")
    assert not second.startswith("1:")
    secret.write_text(second + first, encoding="ascii")
    service.httpd.graceful()
    api = service.new_api()
    answer = api.refresh(grant["refresh_token"])
    assert answer.status_code == 200
    child = answer.json()
    assert api.refresh(child["refresh_token"]).status_code == 200
    secret.write_text(second, encoding="ascii")
    service.httpd.graceful()
    api.close()
    api = service.new_api()
    problem(api.refresh(grant["refresh_token"]), 401, "invalid-refresh-token")
    assert api.refresh(child["refresh_token"]).status_code == 200
    api.close()


def test_role_changes_act_at_once(service):
    """The row decides, not the claim (RFC 8725, ASVS 8.3.2)."""
    grant = service.api.new_user()
    service.database.set_role(grant["user"]["id"], "admin")
    assert service.api.me(grant["access_token"]).json()["role"] == "admin"
    again = service.api.refresh(grant["refresh_token"]).json()
    assert tokens.parts(again["access_token"])[1]["role"] == "admin"
