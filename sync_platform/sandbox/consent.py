"""A sandbox vendor's consent page and its token endpoint, over one authorization server.

`GET` of the authorize path shows the page: which app asks, for which account, for what. Its form is
posted to the same address, query and all, with `decision` ("allow" or "deny") and `account`.
"""

from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sync_platform.sandbox.calls import Call, Endpoint, Refusal, answer
from sync_platform.sandbox.oauth import Denied, OAuth

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; background: #f3f4f6; color: #1f2937; margin: 0; }}
main {{ max-width: 26rem; margin: 3rem auto; padding: 2rem; background: #fff; border-radius: 8px; }}
h1 {{ font-size: 1.25rem; margin-top: 0; }}
fieldset {{ border: 1px solid #d1d5db; border-radius: 6px; margin: 1rem 0; }}
label {{ display: block; padding: .2rem 0; }}
button {{ font: inherit; padding: .5rem 1.5rem; border-radius: 6px; border: 1px solid #374151; }}
button[value=allow] {{ background: #374151; color: #fff; }}
</style>
</head>
<body><main>
{content}
</main></body>
</html>"""

Refused = Callable[[Denied], Refusal]


def in_standard_words(denied: Denied) -> Refusal:
    """The error of RFC 6749, section 5.2."""
    body = {"error": denied.error, "error_description": denied.description}
    return Refusal(denied.status, body)


def oauth_endpoints(
    oauth: OAuth,
    *,
    label: str,
    url: Callable[[], str],
    authorize: str = "/oauth/authorize",
    token: str = "/oauth/token",
    revoke: str | None = None,
    refused: Refused = in_standard_words,
) -> list[Endpoint]:
    """The endpoints at these paths; `label` is the vendor's name, `url` gives its origin, `refused`
    puts what the token endpoint says no to into the vendor's words."""

    def ask(call: Call) -> Response:
        try:
            _check_app(oauth, call)
        except Denied as denied:
            return _page(f"{label}: error", _problem(label, denied), 400)
        try:
            _check_asked(oauth, call)
        except Denied as denied:
            return _back(call, {"error": denied.error, "error_description": denied.description})
        return _page(f"Connect {oauth.app} to {label}", _question(oauth, label, call))

    def decide(call: Call) -> Response:
        try:
            _check_app(oauth, call)
            _check_asked(oauth, call)
            form = call.form_lists()
            if form.get("decision") != ["allow"]:
                return _back(
                    call,
                    {"error": "access_denied", "error_description": "The person said no."},
                )
            known = [each.id for each in oauth.accounts]
            chosen = form.get("account") or known[:1]
            if not set(chosen) <= set(known) or (len(chosen) > 1 and oauth.choose == "one"):
                raise Denied("invalid_request", "There is no such account.")
        except Denied as denied:
            return _page(f"{label}: error", _problem(label, denied), 400)
        scopes = call.first("scope").replace(",", " ").split()
        challenge = call.first("code_challenge") or None
        code = oauth.consent(scopes, call.first("redirect_uri"), challenge, chosen)
        return _back(call, {"code": code, **oauth.called_back(oauth.codes[code])})

    def give(call: Call) -> Response:
        try:
            header = call.headers.get("authorization", "")
            given = oauth.grant(call.form(), header, f"{url()}{token}")
        except Denied as denied:
            raise refused(denied) from denied
        return answer(given, headers={"Cache-Control": "no-store"})

    def end(call: Call) -> Response:
        oauth.revoke(call.form().get("token", ""))
        return Response(status_code=200)

    endpoints = [
        Endpoint("GET", authorize, ask, open=True),
        Endpoint("POST", authorize, decide, open=True),
        Endpoint("POST", token, give, open=True),
    ]
    return [*endpoints, *([Endpoint("POST", revoke, end, open=True)] if revoke else [])]


def _check_app(oauth: OAuth, call: Call) -> None:
    """Before anybody is sent back: it must be our app's own address (RFC 6749, section 4.1.2.1)."""
    if call.first("client_id") != oauth.client_id:
        raise Denied("invalid_client", "There is no app with this client id.")
    if not oauth.registered(call.first("redirect_uri")):
        raise Denied("invalid_request", "The redirect address is not registered for this app.")


def _check_asked(oauth: OAuth, call: Call) -> None:
    if call.first("response_type") != "code":
        raise Denied("unsupported_response_type", "response_type must be code.")
    if oauth.pkce and not (
        call.first("code_challenge") and call.first("code_challenge_method") == "S256"
    ):
        raise Denied("invalid_request", "PKCE is required: a code_challenge, by S256.")


def _back(call: Call, answered: dict[str, str]) -> Response:
    if "state" in call.query:
        answered["state"] = call.first("state")
    redirect_uri = call.first("redirect_uri")
    joint = "&" if "?" in redirect_uri else "?"
    return RedirectResponse(f"{redirect_uri}{joint}{urlencode(answered)}", 303)


def _question(oauth: OAuth, label: str, call: Call) -> str:
    app, kind = escape(oauth.app), "radio" if oauth.choose == "one" else "checkbox"
    accounts = [
        f'<label><input type="{kind}" name="account" value="{escape(it.id)}"'
        f"{' checked' if place == 0 else ''}> {escape(it.name)} ({escape(it.id)})</label>"
        for place, it in enumerate(oauth.accounts)
    ]
    scopes = call.first("scope").replace(",", " ").split()
    return "\n".join(
        [
            f"<h1>{app} would like to use your {escape(label)} account</h1>",
            '<form method="post">',
            "<fieldset><legend>Account</legend>",
            *accounts,
            "</fieldset>",
            "<p>It asks for:</p>" if scopes else "<p>It asks for access to everything.</p>",
            _list(scopes),
            '<button name="decision" value="allow">Allow</button>',
            '<button name="decision" value="deny">Deny</button>',
            "</form>",
        ]
    )


def _list(scopes: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(scope)}</li>' for scope in scopes)}</ul>" if scopes else ""


def _problem(label: str, denied: Denied) -> str:
    return f"<h1>{escape(label)} cannot connect this app</h1><p>{escape(denied.description)}</p>"


def _page(title: str, content: str, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return HTMLResponse(PAGE.format(title=escape(title), content=content), status, headers)
