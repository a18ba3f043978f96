"""Checks the JWT that a service account signs to get a token (RFC 7523), signature and all.

With another library than ours signs with, so that one's mistake is not the other's.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from sync_platform.sandbox.oauth_words import Denied

LONGEST = 3600.0  # seconds that an assertion may last, as at Google
SKEW = 60.0  # of clocks


def key_pair() -> tuple[str, str]:
    """The private key of a new service account and its public one, as PEM."""
    private = generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret.decode(), public.decode()


def verified(assertion: str, keys: Mapping[str, str], audience: str, now: float) -> dict[str, Any]:
    """The claims of an assertion that one of `keys` (issuer -> PEM) signed; raises Denied."""
    parts = assertion.split(".")
    try:
        header, claims = (orjson.loads(_bytes(part)) for part in parts[:2])
        signature = _bytes(parts[2])
        issuer = claims["iss"]
        key = load_pem_public_key(keys[issuer].encode())
    except (ValueError, KeyError, IndexError, TypeError):
        raise _refused("it is no assertion of an issuer that is known here") from None
    if header.get("alg") != "RS256" or not isinstance(key, RSAPublicKey):
        raise _refused("it must be signed with RS256")
    try:
        key.verify(signature, f"{parts[0]}.{parts[1]}".encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise _refused("its signature is wrong") from None
    issued, ends = claims.get("iat", 0), claims.get("exp", 0)
    if claims.get("aud") != audience:
        raise _refused(f"its audience must be {audience}")
    if not issued - SKEW <= now < ends or ends - issued > LONGEST:
        raise _refused("it is expired, from the future, or lasts longer than an hour")
    return dict(claims)


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _refused(why: str) -> Denied:
    return Denied("invalid_grant", f"The assertion is refused: {why}.", "assertion")
