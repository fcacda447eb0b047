# SPDX-License-Identifier: Apache-2.0
"""Takes access tokens apart and signs altered ones with the server's own key."""
import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils


def b64(octets):
    """base64url without padding."""
    if isinstance(octets, str):
        octets = octets.encode("utf-8")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    """(header, claims) of a token, not verified."""
    header, claims, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))


class Signer:
    """Signs whatever it is given, by a private key file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.key = serialization.load_pem_private_key(file.read(), None)

    def public_pem(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def public_der(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def raw(self, data, digest=None, pss=False):
        digest = digest or hashes.SHA256()
        if isinstance(self.key, rsa.RSAPrivateKey):
            pad = padding.PSS(padding.MGF1(digest), digest.digest_size) if pss \
                else padding.PKCS1v15()
            return self.key.sign(data, pad, digest)
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        assert isinstance(self.key, ed25519.Ed25519PrivateKey)
        return self.key.sign(data)

    def token(self, header, claims, **options):
        """header and claims as dict, or as text that is taken as it is."""
        head = b64(header if isinstance(header, (str, bytes)) else json.dumps(header))
        body = b64(claims if isinstance(claims, (str, bytes)) else json.dumps(claims))
        signed = f"{head}.{body}"
        return f"{signed}.{b64(self.raw(signed.encode('ascii'), **options))}"


def hmac_token(header, claims, key, digest=hashlib.sha256):
    signed = f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}"
    return f"{signed}.{b64(hmac.new(key, signed.encode('ascii'), digest).digest())}"
