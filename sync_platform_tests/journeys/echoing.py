"""A vendor that repeats in its errors everything it was sent, secrets and all, and remembers every
token that it gave."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from sync_platform.sandbox.calls import Call, Endpoint, Refusal, answer
from sync_platform.sandbox.consent import oauth_endpoints
from sync_platform.sandbox.oauth import OAuth, VendorAccount
from sync_platform.sandbox.vendor import Vendor


class RememberingOAuth(OAuth):
    """Remembers every code and token."""

    def _new(self, kind: str) -> str:
        made = super()._new(kind)
        if kind != "chain":
            self.__dict__.setdefault("given", {})[f"{kind} {self.made}"] = made
        return made

    @property
    def given(self) -> Mapping[str, str]:
        return dict(self.__dict__.get("given", {}))


class Echoing(Vendor):
    """Accepts `keys` in any way, and what its OAuth gave."""

    name = "echoing"

    def __init__(self, keys: Sequence[str], **oauth: Any) -> None:
        self.keys = set(keys)
        self.status: int | None = None  # of every answer, with the call in it
        self.denies = False  # the token endpoint, with the call in it
        self.denial = (400, "invalid_grant")  # how it does
        self.me: Mapping[str, str] = {"id": "7"}
        self.elsewhere: str | None = None  # where every call is sent to
        self.heard: list[str] = []  # all that came, as text
        self.oauth = RememberingOAuth(
            accounts=[VendorAccount("7", "Seven")],
            rotates=True,
            clock=lambda: self.clock(),
            **oauth,
        )
        super().__init__()

    def endpoints(self) -> Sequence[Endpoint]:
        sign_in = oauth_endpoints(self.oauth, label="Echoing", url=lambda: self.url)
        return [
            *(self._echoing(each) for each in sign_in),
            Endpoint("GET", "/me", lambda call: answer(self.me)),
            Endpoint("GET", "/things", lambda call: answer({"list": [{"id": "1"}]})),
            Endpoint("GET", "/{anything:path}", lambda call: answer({})),
        ]

    def check_token(self, call: Call) -> None:
        self.heard.append(_told(call))
        if self.elsewhere is not None:
            raise _Away(self.elsewhere)
        if self.status is not None:
            raise Refusal(self.status, {"message": _told(call), "error": _told(call)})
        if not self._known(call):
            raise Refusal(401, {"message": _told(call)})

    def _known(self, call: Call) -> bool:
        header = call.headers.get("authorization", "")
        token = self.oauth.token(header)
        if token is not None:
            return token.expires_at is None or token.expires_at > self.clock()
        kind, _, sent = header.partition(" ")
        if kind == "Basic":
            sent = base64.b64decode(sent).decode().partition(":")[2]
        offered = (sent, call.headers.get("x-key"), call.first("api_key"))
        return any(each in self.keys for each in offered)

    def _echoing(self, endpoint: Endpoint) -> Endpoint:
        def respond(call: Call) -> Response:
            self.heard.append(_told(call))
            if self.denies and endpoint.method == "POST":
                status, error = self.denial
                raise Refusal(status, {"error": error, "error_description": _told(call)})
            return endpoint.handler(call)

        return Endpoint(endpoint.method, endpoint.path, respond, open=True)

    def error(self, status: int) -> Refusal:
        return Refusal(status, {"message": f"HTTP {status}"})


class _Away(Refusal):
    """A redirect in place of an answer."""

    def __init__(self, url: str) -> None:
        super().__init__(302, {}, {"Location": f"{url}/taken"})


def _told(call: Call) -> str:
    """The secrets first: messages may be cut."""
    body = call.body.decode("utf-8", "replace")
    sent = [call.headers.get("authorization", ""), call.headers.get("x-key", ""), dict(call.query)]
    return f"You sent: {body} {sent} with {call.method} {call.path} and {dict(call.headers)}"
