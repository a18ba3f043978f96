"""OAuth as vendors do it: an authorization server with codes, refresh tokens and access tokens.

It enforces what the strictest of them do: PKCE, registered redirect addresses, codes that work once
and not for long, and (where asked for) refresh tokens that change with each use, of which an old
one, used again, ends the whole chain.
"""

import base64
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from sync_platform.sandbox.assertions import verified
from sync_platform.sandbox.calls import Json
from sync_platform.sandbox.oauth_words import Denied, Grant, Refresh, Token, VendorAccount

__all__ = ["Denied", "Grant", "OAuth", "Token", "Tokens", "VendorAccount", "tokens_from"]

Tokens = Iterable[str] | Mapping[str, Iterable[str] | None]
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def tokens_from(tokens: Tokens) -> dict[str, Token]:
    """Accepted tokens, given as names or as names with their scopes."""
    if isinstance(tokens, Mapping):
        return {
            name: Token(None if scopes is None else frozenset(scopes))
            for name, scopes in tokens.items()
        }
    return {name: Token() for name in tokens}


def nothing_more(grant: Grant) -> Json:
    """The vendor tells nothing of its own."""
    return {}


@dataclass(kw_only=True)
class OAuth:
    """One app registered with the vendor, and everything it was given. Spans in seconds."""

    client_id: str
    client_secret: str
    app: str = "sync_platform"  # how the consent page calls the app
    redirect_uris: Sequence[str] | None = None  # exactly these; None: any on loopback
    pkce: bool = True  # demanded
    client_sent_in: Sequence[Literal["body", "header", "secret"]] = ("body", "header")
    lasts: float = 1800.0  # an access token
    code_lasts: float = 60.0
    rotates: bool = False  # a refresh gives a new refresh token and ends the old one
    refresh_lasts: float | None = None  # unused for so long, a refresh token dies
    accounts: Sequence[VendorAccount] = (VendorAccount("1", "The account"),)  # behind the login
    choose: Literal["one", "many"] = "one"  # of the accounts, on the consent page
    expires_in: Literal["number", "text", "missing"] = "number"  # how the answer says it
    told: Callable[[Grant], Json] = nothing_more  # more fields of the token answer
    called_back: Callable[[Grant], Json] = nothing_more  # more parameters of the callback
    services: Mapping[str, str] = field(default_factory=dict)  # client_credentials: id -> secret
    service_accounts: Mapping[str, str] = field(default_factory=dict)  # issuer -> public key (PEM)
    clock: Callable[[], float] = time.time
    seed: int = 7
    codes: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Refresh] = field(default_factory=dict)
    spent: dict[str, str] = field(default_factory=dict)  # codes and refresh tokens -> their chain
    issued: dict[str, Token] = field(default_factory=dict)
    reused: int = 0  # how often something spent came again
    made: int = 0

    # -- consent ---------------------------------------------------------------------------------

    def registered(self, redirect_uri: str) -> bool:
        """Whether the app may be called back there."""
        if self.redirect_uris is not None:
            return redirect_uri in self.redirect_uris
        parts = urlsplit(redirect_uri)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and not parts.fragment

    def consent(
        self,
        scopes: Iterable[str] | None = None,
        redirect_uri: str | None = None,
        challenge: str | None = None,
        accounts: Sequence[str] | None = None,
    ) -> str:
        """Say yes in the place of a person; gives the code, which works once."""
        code = self._new("code")
        self.codes[code] = Grant(
            scopes=None if scopes is None else sorted(scopes),
            redirect_uri=redirect_uri,
            challenge=challenge,
            accounts=list(accounts or [self.accounts[0].id]),
            given_at=self.clock(),
            chain=self._new("chain"),
        )
        return code

    # -- the token endpoint ------------------------------------------------------------------------

    def grant(self, form: Mapping[str, str], header: str, endpoint: str) -> Json:
        """The answer to a call of the token endpoint; `header` is its Authorization, `endpoint` its
        address. Raises Denied."""
        kind = form.get("grant_type", "")
        if kind == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self._asserted(form.get("assertion", ""), endpoint)
        client_id, secret = self._client(form, header)
        if kind == "client_credentials":
            return self._service(client_id, secret, form.get("scope", ""))
        if client_id != self.client_id:
            raise Denied("invalid_client", "missing or invalid client id", "client_id", 401)
        if secret != self.client_secret:
            raise Denied("invalid_client", "missing or invalid client secret", "client_secret", 401)
        if kind == "authorization_code":
            return self._redeemed(form)
        if kind == "refresh_token":
            return self._refreshed(form.get("refresh_token", ""))
        raise Denied("unsupported_grant_type", "missing or unknown grant type", "grant_type")

    def _client(self, form: Mapping[str, str], header: str) -> tuple[str, str]:
        if header.lower().startswith("basic "):
            try:
                pair = base64.b64decode(header[6:], validate=True).decode()
            except ValueError:
                pair = ""
            client_id, _, secret = pair.partition(":")
            if "secret" in self.client_sent_in and not secret:
                return self.client_id, client_id  # the secret alone, as the user
            if "header" not in self.client_sent_in:
                raise Denied("invalid_client", "the client belongs in the body", "client_id", 401)
            return client_id, secret
        if "body" not in self.client_sent_in:
            raise Denied("invalid_client", "the client belongs in the header", "client_id", 401)
        return form.get("client_id", ""), form.get("client_secret", "")

    def _redeemed(self, form: Mapping[str, str]) -> Json:
        code = form.get("code", "")
        self._not_again(code)
        grant = self.codes.pop(code, None)
        if grant is None or self.clock() > grant.given_at + self.code_lasts:
            raise Denied("invalid_grant", "missing, unknown or expired auth code", "code")
        self.spent[code] = grant.chain
        if not grant.proven_by(form.get("code_verifier", "")):
            raise Denied("invalid_grant", "the code verifier does not fit its challenge", "code")
        if grant.redirect_uri not in (None, form.get("redirect_uri")):
            raise Denied(
                "invalid_grant", "redirect uri does not match the one of the code", "redirect_uri"
            )
        return self._answer(grant, self._keep(grant))

    def _refreshed(self, token: str) -> Json:
        now = self.clock()
        self._not_again(token)
        kept = self.refresh_tokens.get(token)
        if kept is None:
            raise Denied("invalid_grant", "missing or unknown refresh token", "refresh_token")
        if self.refresh_lasts is not None and now > kept.used_at + self.refresh_lasts:
            del self.refresh_tokens[token]
            raise Denied("invalid_grant", "the refresh token was not used in time", "refresh_token")
        if not self.rotates:
            self.refresh_tokens[token] = replace(kept, used_at=now)
            return self._answer(kept.grant, token)
        del self.refresh_tokens[token]
        self.spent[token] = kept.grant.chain
        return self._answer(kept.grant, self._keep(kept.grant))

    def _service(self, client_id: str, secret: str, scope: str) -> Json:
        if not secret or self.services.get(client_id) != secret:
            raise Denied("invalid_client", "unknown client or wrong secret", "client_secret", 401)
        return self._answer(self._of_service(client_id, scope), None)

    def _asserted(self, assertion: str, endpoint: str) -> Json:
        claims = verified(assertion, self.service_accounts, endpoint, self.clock())
        return self._answer(self._of_service(claims["iss"], str(claims.get("scope", ""))), None)

    def _of_service(self, owner: str, scope: str) -> Grant:
        scopes = scope.split() or None
        return Grant(scopes=scopes, accounts=[self.accounts[0].id], chain=f"service {owner}")

    def _not_again(self, spent: str) -> None:
        """What was used before is in strange hands now: everything that came of it ends."""
        if (chain := self.spent.get(spent)) is not None:
            self.reused += 1
            self._end(chain)
            what = "code" if spent.startswith("code") else "refresh_token"
            raise Denied("invalid_grant", "was used before; all its tokens are revoked", what)

    # -- tokens ------------------------------------------------------------------------------------

    def token(self, header: str) -> Token | None:
        """What a call's `Authorization: Bearer …` stands for, if this server issued it."""
        return self.issued.get(header.partition(" ")[2])

    def expire(self, now: float) -> None:
        """End every access token issued so far."""
        self.issued = {name: replace(it, expires_at=now) for name, it in self.issued.items()}

    def revoke(self, token: str | None = None) -> None:
        """End a token and all of its chain; None: all there are, as when a person removes the app.
        An unknown token is no error (RFC 7009)."""
        if token is None:
            self.codes.clear()
            self.refresh_tokens.clear()
            self.issued.clear()
        elif token in self.refresh_tokens:
            self._end(self.refresh_tokens[token].grant.chain)
        elif token in self.issued:
            self._end(self.issued[token].chain)

    def _end(self, chain: str) -> None:
        self.refresh_tokens = {
            name: it for name, it in self.refresh_tokens.items() if it.grant.chain != chain
        }
        self.issued = {name: it for name, it in self.issued.items() if it.chain != chain}

    def _keep(self, grant: Grant) -> str:
        refresh_token = self._new("refresh")
        self.refresh_tokens[refresh_token] = Refresh(grant=grant, used_at=self.clock())
        return refresh_token

    def _answer(self, grant: Grant, refresh_token: str | None) -> Json:
        access_token = self._new("access")
        self.issued[access_token] = Token(
            scopes=None if grant.scopes is None else frozenset(grant.scopes),
            expires_at=self.clock() + self.lasts,
            accounts=tuple(grant.accounts),
            chain=grant.chain,
        )
        answer: Json = {"token_type": "bearer", "access_token": access_token}
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        if self.expires_in != "missing":
            seconds = int(self.lasts)
            answer["expires_in"] = seconds if self.expires_in == "number" else str(seconds)
        return answer | self.told(grant)

    # -- over a restart ----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "made": self.made,
            "codes": {code: asdict(grant) for code, grant in self.codes.items()},
            "refresh_tokens": {name: asdict(it) for name, it in self.refresh_tokens.items()},
            "spent": self.spent,
            "issued": {
                name: asdict(it) | {"scopes": None if it.scopes is None else sorted(it.scopes)}
                for name, it in self.issued.items()
            },
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        self.made, self.spent = state["made"], dict(state["spent"])
        self.codes = {code: Grant(**grant) for code, grant in state["codes"].items()}
        self.refresh_tokens = {
            name: Refresh(grant=Grant(**it["grant"]), used_at=it["used_at"])
            for name, it in state["refresh_tokens"].items()
        }
        self.issued = {
            name: Token(
                scopes=None if it["scopes"] is None else frozenset(it["scopes"]),
                expires_at=it["expires_at"],
                accounts=tuple(it["accounts"]),
                chain=it["chain"],
            )
            for name, it in state["issued"].items()
        }

    def _new(self, kind: str) -> str:
        self.made += 1
        made = random.Random(f"{self.seed} {kind} {self.made}")
        return f"{kind}-{made.getrandbits(128):032x}"
