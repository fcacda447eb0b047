# SPDX-License-Identifier: Apache-2.0
"""authsvcctl's key, secret and token commands, as an admin types them."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import stat
import subprocess
import time

import pytest

CTL = str(pathlib.Path(os.environ.get("AUTHSVC_BUILDDIR", "build")).resolve() / "authsvcctl")

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
CLAIMS = {"iss": "https://issuer.example", "aud": "https://audience.example",
          "sub": "018f0000-0000-7000-8000-000000000001",
          "sid": "018f0000-0000-7000-8000-000000000002",
          "jti": "a", "role": "user", "epoch": 1, "email_verified": False}


def ctl(*args, stdin=None, preexec=None):
    return subprocess.run([CTL, *map(str, args)], input=stdin, capture_output=True, text=True,
                          timeout=60, check=False, preexec_fn=preexec)


def done(*args, **options):
    """Run it; it succeeds and says nothing on stderr."""
    result = ctl(*args, **options)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def failed(sentence, *args, status=1, **options):
    """Run it; it fails, and says why on stderr and nothing on stdout."""
    result = ctl(*args, **options)
    assert result.returncode == status, result
    assert sentence in result.stderr
    assert result.stdout == ""
    return result


def misused(sentence, *args):
    assert "--help" in failed(sentence, *args, status=2).stderr


def fields(text):
    """The "name: value" lines of an output."""
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def openssl(*args, stdin=None):
    return subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True,
                          check=True).stdout


def der_to_raw(der):
    """An ECDSA signature as R || S."""
    offset, numbers = 2, []
    for _ in range(2):
        length = der[offset + 1]
        numbers.append(int.from_bytes(der[offset + 2:offset + 2 + length], "big"))
        offset += 2 + length
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def mint(tmp_path, key, alg, header=None, **claims):
    """A token made by the openssl program."""
    kid = fields(done("key", "show", key))["kid"]
    now = int(time.time())
    header = {"alg": alg, "typ": "JWT", "kid": kid, **(header or {})}
    claims = {**CLAIMS, "iat": now, "nbf": now, "exp": now + 900, **claims}
    signed = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    if alg == "EdDSA":
        text = tmp_path / "signed"
        text.write_text(signed)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", text)
    else:
        signature = openssl("dgst", "-sha256", "-sign", key, stdin=signed.encode())
        if alg == "ES256":
            signature = der_to_raw(signature)
    return f"{signed}.{b64(signature)}"


@pytest.fixture(name="keys", scope="module")
def make_keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    paths = {alg: directory / f"{alg}.pem" for alg in ALGORITHMS}
    for alg, path in paths.items():
        done("key", "generate", "--alg", alg, path)
    return paths


# ---- the frame

def test_help_and_version_go_to_stdout():
    for args in (["--help"], ["-h"]):
        text = done(*args)
        assert text.startswith("Usage: authsvcctl")
        for command in ("check", "key", "migrate", "secret", "token", "user"):
            assert f"  {command}" in text
    assert done("--version").startswith("authsvcctl 0.")
    for command in ("check", "key", "migrate", "secret", "token", "user"):
        assert f"authsvcctl {command} " in done(command, "--help")
        assert f"authsvcctl {command} " in done(command, "anything", "-h")


def test_wrong_usage_is_status_2():
    result = ctl()
    assert result.returncode == 2 and "Usage:" in result.stderr and result.stdout == ""
    misused("there is no command frobnicate", "frobnicate")
    misused("say what to do", "key")
    misused("say what to do", "key", "frobnicate")
    misused("say what to do", "secret")
    misused("say what to do", "token")
    misused("there is no option --frob", "key", "generate", "--frob", "x")
    misused("there is no option -x", "key", "generate", "-x")
    misused("--alg needs an argument", "key", "generate", "--alg")
    misused("--alg is given twice", "key", "generate", "--alg", "ES256", "--alg=ES256", "f")
    misused("generate needs --alg", "key", "generate", "f")
    misused("generate needs --alg", "key", "generate", "--alg", "ES256")
    misused("generate needs --alg", "key", "generate", "--alg", "ES256", "f", "g")
    misused("--alg must be", "key", "generate", "--alg", "HS256", "f")
    misused("--alg must be", "key", "generate", "--alg", "rs256", "f")
    misused("--bits must be", "key", "generate", "--alg", "RS256", "--bits", "1024", "f")
    misused("--bits must be", "key", "generate", "--alg", "RS256", "--bits", "2048x", "f")
    misused("--bits is for RS256", "key", "generate", "--alg", "ES256", "--bits", "2048", "f")
    misused("show needs one file", "key", "show")
    misused("--number must be 1 to 255", "secret", "generate", "--number", "256", "f")
    misused("--number must be 1 to 255", "secret", "generate", "--number", "0", "f")
    misused("append takes no --number", "secret", "append", "--number", "2", "f")
    misused("remove needs --number", "secret", "remove", "f")
    misused("inspect needs one token", "token", "inspect")
    assert not pathlib.Path("f").exists()


def test_a_full_disk_is_no_success(keys):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([CTL, "key", "show", keys["ES256"]], stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert "could not be written" in result.stderr


# ---- key

@pytest.mark.parametrize("alg", ALGORITHMS)
def test_key_generate_makes_a_key_that_openssl_reads(tmp_path, alg):
    path = tmp_path / "key.pem"
    made = fields(done("key", "generate", f"--alg={alg}", path))
    assert made["alg"] == alg and len(made["kid"]) == 43
    assert mode(path) == 0o600
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    text = openssl("pkey", "-in", path, "-noout", "-text").decode()
    assert {"RS256": "2048 bit", "ES256": "prime256v1", "EdDSA": "ED25519"}[alg] in text
    shown = done("key", "show", path)
    assert fields(shown)["kid"] == made["kid"]
    jwk = json.loads(shown.splitlines()[2])
    assert (jwk["kid"], jwk["alg"], jwk["use"]) == (made["kid"], alg, "sig")
    assert not set(jwk) & {"d", "p", "q", "dp", "dq", "qi", "k"}
    needed = {"RS256": ["e", "kty", "n"], "ES256": ["crv", "kty", "x", "y"],
              "EdDSA": ["crv", "kty", "x"]}[alg]
    canonical = json.dumps({name: jwk[name] for name in needed}, separators=(",", ":"))
    assert b64(hashlib.sha256(canonical.encode()).digest()) == made["kid"]  # RFC 7638


def test_key_generate_takes_a_length(tmp_path):
    done("key", "generate", "--alg", "RS256", "--bits", "3072", tmp_path / "key.pem")
    text = openssl("pkey", "-in", tmp_path / "key.pem", "-noout", "-text").decode()
    assert "3072 bit" in text


def test_key_generate_never_overwrites(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text("precious")
    failed("is there already", "key", "generate", "--alg", "ES256", path)
    assert path.read_text() == "precious"
    link = tmp_path / "link.pem"
    link.symlink_to(tmp_path / "elsewhere")
    failed("is there already", "key", "generate", "--alg", "ES256", link)
    assert not (tmp_path / "elsewhere").exists()


def test_key_generate_leaves_nothing_behind_when_it_fails(tmp_path):
    failed("No such file", "key", "generate", "--alg", "ES256", tmp_path / "none" / "key.pem")

    def no_room():
        import resource  # pylint: disable=import-outside-toplevel
        import signal  # pylint: disable=import-outside-toplevel
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    failed("cannot be written", "key", "generate", "--alg", "ES256", tmp_path / "key.pem",
           preexec=no_room)
    assert list(tmp_path.iterdir()) == []


def test_key_generate_ignores_the_umask(tmp_path):
    done("key", "generate", "--alg", "ES256", tmp_path / "a", preexec=lambda: os.umask(0))
    done("key", "generate", "--alg", "ES256", tmp_path / "b", preexec=lambda: os.umask(0o277))
    assert mode(tmp_path / "a") == mode(tmp_path / "b") == 0o600


def test_key_show_takes_a_public_key(keys, tmp_path):
    path = tmp_path / "public.pem"
    path.write_bytes(openssl("pkey", "-in", keys["ES256"], "-pubout"))
    assert done("key", "show", path) == done("key", "show", keys["ES256"])


def test_key_show_says_what_is_wrong(keys, tmp_path):
    failed("No such file", "key", "show", tmp_path / "none")
    failed("is a directory", "key", "show", tmp_path)
    path = tmp_path / "key"
    for octets, sentence in ((b"", "is empty"), (b"hello", "not a key in PEM form")):
        path.write_bytes(octets)
        path.chmod(0o600)
        failed(sentence, "key", "show", path)
    path.write_bytes(openssl("pkey", "-in", keys["ES256"], "-aes128", "-passout", "pass:x"))
    failed("is encrypted", "key", "show", path, stdin="x\n")
    path.write_bytes(openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                             "ec_paramgen_curve:P-384"))
    failed("curve secp384r1", "key", "show", path)
    path.write_bytes(keys["ES256"].read_bytes())
    assert done("key", "show", path)
    path.chmod(0o640)
    failed("chmod 0600", "key", "show", path)


# ---- secret

def secret_lines(path):
    return [line for line in path.read_text().splitlines() if line and line[0] != "#"]


def test_secret_generate(tmp_path):
    path = tmp_path / "secret"
    out = done("secret", "generate", path)
    assert out.startswith("1 ") and mode(path) == 0o600
    number, text = path.read_text().rstrip("\n").split(":")
    octets = base64.urlsafe_b64decode(text + "=")
    assert number == "1" and len(octets) == 32
    assert text not in out
    failed("is there already", "secret", "generate", path)
    done("secret", "generate", "--number", "200", tmp_path / "other")
    assert (tmp_path / "other").read_text().startswith("200:")


def test_secret_rotation(tmp_path):
    path = tmp_path / "secret"
    done("secret", "generate", path)
    path.write_text("# of this site\n" + path.read_text())
    first = secret_lines(path)[0]
    out = done("secret", "append", path)
    assert [line.split()[0] for line in out.splitlines()] == ["1", "2"]
    assert out.splitlines()[0].endswith("(makes new tokens)")
    second = secret_lines(path)[1]
    assert secret_lines(path) == [first, second] and second.startswith("2:")
    done("secret", "promote", path)
    assert secret_lines(path) == [second, first]
    assert path.read_text().startswith("# of this site\n")
    failed("makes new tokens; promote another first", "secret", "remove", "--number", "2", path)
    failed("there is no secret of the number 9", "secret", "remove", "--number", "9", path)
    before = done("secret", "list", path)
    done("secret", "remove", "--number", "1", path)
    assert secret_lines(path) == [second]
    assert done("secret", "list", path) == before.splitlines()[0] + "\n"
    failed("holds one secret only", "secret", "promote", path)
    assert mode(path) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_secret_append_keeps_the_group_and_a_missing_newline(tmp_path):
    path = tmp_path / "secret"
    done("secret", "generate", path)
    path.write_text(path.read_text().rstrip("\n"))
    path.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(path, -1, 12345)
    done("secret", "append", path)
    assert len(secret_lines(path)) == 2 and mode(path) == 0o400
    if os.geteuid() == 0:
        status = path.stat()
        assert (status.st_uid, status.st_gid) == (0, 12345)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files of others")
def test_secrets_of_another_user_are_refused(tmp_path):
    path = tmp_path / "secret"
    done("secret", "generate", path)
    before = path.read_text()
    os.chown(path, 12345, -1)
    failed(f"chown root {path}", "secret", "append", path)
    assert path.read_text() == before
    os.chown(path, 0, -1)
    done("secret", "append", path)


def test_secret_append_counts_on_from_the_start(tmp_path):
    path = tmp_path / "secret"
    done("secret", "generate", "--number", "255", path)
    done("secret", "append", path)
    assert [line.split(":")[0] for line in secret_lines(path)] == ["255", "1"]
    done("secret", "append", path)
    assert [line.split(":")[0] for line in secret_lines(path)] == ["255", "1", "2"]


def test_secret_files_are_checked(tmp_path):
    path = tmp_path / "secret"
    for what in (["append"], ["promote"], ["list"], ["remove", "--number", "1"]):
        failed("No such file", "secret", *what, path)
    path.write_text("hello\n")
    path.chmod(0o600)
    failed('line 1 is not "number:secret"', "secret", "append", path)
    assert path.read_text() == "hello\n"
    path.unlink()
    done("secret", "generate", path)
    path.chmod(0o640)
    failed("chmod 0600", "secret", "append", path)
    path.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(path)
    failed("give the path of the file itself", "secret", "append", link)
    assert link.is_symlink() and len(secret_lines(path)) == 1


# ---- token

@pytest.mark.parametrize("alg", ALGORITHMS)
def test_token_inspect_verifies(keys, tmp_path, alg):
    token = mint(tmp_path, keys[alg], alg)
    out = fields(done("token", "inspect", "--key", keys[alg], token))
    assert json.loads(out["header"])["alg"] == alg
    assert json.loads(out["claims"])["sub"] == CLAIMS["sub"]
    assert out["exp"].endswith("Z") and out["iat"].endswith("Z")
    assert out["mod_authsvc"] == "accepts it"
    if alg == "EdDSA":
        assert out["libjwt"].startswith("has no opinion")
    else:
        assert out["libjwt"] == "accepts the signature"
    assert done("token", "inspect", f"--key={keys[alg]}", "-", stdin=token + "\n")


def test_token_inspect_without_a_key_says_so(keys, tmp_path):
    token = mint(tmp_path, keys["ES256"], "ES256")
    assert "was not checked" in done("token", "inspect", token)
    assert "was not checked" in done("token", "inspect", token[:-20] + "A" * 20)


def refused(reason, libjwt, *args):
    result = ctl("token", "inspect", *args)
    assert result.returncode == 1 and result.stderr == ""
    out = fields(result.stdout)
    assert out["mod_authsvc"].startswith("refuses it (") and reason in out["mod_authsvc"]
    assert out["libjwt"].startswith(libjwt)


def test_token_inspect_refuses(keys, tmp_path):
    key = keys["RS256"]
    good = mint(tmp_path, key, "RS256")
    signed, signature = good.rsplit(".", 1)
    flipped = ("B" if signature[10] == "A" else "A")
    refused("signature", "refuses", "--key", key,
            f"{signed}.{signature[:10]}{flipped}{signature[11:]}")
    refused("expired", "accepts", "--key", key,
            mint(tmp_path, key, "RS256", exp=int(time.time()) - 1))
    refused("not accepted", "accepts", "--key", key,
            mint(tmp_path, key, "RS256", header={"crit": ["x"]}))
    refused("no key of this kid", "refuses", "--key", keys["ES256"], good)
    # What libjwt alone would be taken in by: an HMAC with the public key.
    public = openssl("pkey", "-in", key, "-pubout")
    header = {"alg": "HS256", "typ": "JWT", "kid": fields(done("key", "show", key))["kid"]}
    signed = ".".join([b64(json.dumps(header).encode()), good.split(".")[1]])
    forged = f"{signed}.{b64(hmac.digest(public, signed.encode(), 'sha256'))}"
    refused("alg is not the key's", "refuses", "--key", key, forged)


def test_token_inspect_takes_rfc9068_types(keys, tmp_path):
    token = mint(tmp_path, keys["RS256"], "RS256", header={"typ": "at+jwt"})
    out = fields(done("token", "inspect", "--key", keys["RS256"], token))
    assert out["mod_authsvc"] == "accepts it"
    assert out["libjwt"].startswith("has no opinion")


def test_token_inspect_says_what_cannot_be_read(keys):
    failed("fewer than three segments", "token", "inspect", "hello")
    failed("no canonical base64url", "token", "inspect", "a+b.e30.AA")
    failed("the header cannot be read", "token", "inspect", "e30=.e30.AA")
    failed("no JSON object", "token", "inspect", f"{b64(b'[]')}.e30.AA")
    result = ctl("token", "inspect", f"e30.{b64(b'{')}.AA")
    assert result.returncode == 1 and "the claims cannot be read" in result.stderr
    failed("it has a NUL", "token", "inspect", "-", stdin="e30.e30.AA\0x")
    result = ctl("token", "inspect", "--key", "/nonexistent", "e30.e30.AA")
    assert result.returncode == 1 and "No such file" in result.stderr
    assert keys
