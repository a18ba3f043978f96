"""Signs the assertion by which a service account asks for a token (RFC 7523)."""

import secrets
from collections.abc import Mapping
from typing import Any

from sync_platform.errors import NeedsReauth
from sync_platform.spec import JwtBearer

LASTS = 300  # seconds: long enough for clocks that differ, short enough for vendors that are strict


def assertion(
    way: JwtBearer, secret: Mapping[str, Any], settings: Mapping[str, str], now: float
) -> str:
    """The signed JWT. Raises NeedsReauth where the secret lacks the key, or what is no key."""
    # Here, because few connections need it, and every start of a process would wait for it.
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    try:
        claims = dict(way.claims(secret, settings))
    except KeyError as missing:
        raise NeedsReauth(
            f"The service account's credentials lack {missing.args[0]!r}. Give its key file again, "
            "whole."
        ) from None
    claims = {"iat": int(now), "exp": int(now) + LASTS, "jti": secrets.token_urlsafe(16)} | claims
    if way.scopes and "scope" not in claims:
        claims["scope"] = " ".join(way.scopes)
    header = {"alg": way.algorithm, "typ": "JWT"}
    if isinstance(named := secret.get("private_key_id"), str):
        header["kid"] = named
    kind = ECKey if way.algorithm.startswith("ES") else RSAKey
    try:
        key = kind.import_key(str(secret.get("private_key") or ""))
        return jwt.encode(header, claims, key, algorithms=[way.algorithm])
    except (JoseError, ValueError, TypeError):  # their text may quote the key
        raise NeedsReauth(
            "The service account's private key cannot be used: it must be a whole PEM, with its "
            "BEGIN and END lines. Give it again."
        ) from None
