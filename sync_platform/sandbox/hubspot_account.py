"""HubSpot beside the CRM: owners, the account itself, and OAuth."""

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from sync_platform.sandbox import hubspot_errors
from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.hubspot_portal import Portal
from sync_platform.sandbox.oauth import OAuth


def account_endpoints(portal: Portal, oauth: OAuth, url: Callable[[], str]) -> list[Endpoint]:
    """The endpoints over a portal and the app that may be let into it."""

    def owners(call: Call) -> Response:
        limit, after = call.first("limit", "100"), call.first("after", "0")
        if not (limit.isdecimal() and after.isdecimal() and 0 < int(limit) <= 500):
            raise hubspot_errors.invalid(
                "The limit must be between 1 and 500, after an owner's id."
            )
        archived = call.first("archived", "false").lower() == "true"
        email = call.first("email")
        listed = [
            owner
            for owner in portal.owners
            if owner["archived"] == archived
            and int(owner["id"]) > int(after)
            and email in ("", owner["email"])
        ]
        page = listed[: int(limit)]
        body: Json = {"results": page}
        if len(listed) > len(page):
            last = page[-1]["id"]
            link = f"{url()}{call.path}?{urlencode({**call.query, 'after': last}, doseq=True)}"
            body["paging"] = {"next": {"after": last, "link": link}}
        return answer(body)

    def account(call: Call) -> Response:
        return answer(
            {
                "portalId": hubspot_errors.PORTAL_ID,
                "accountType": "DEVELOPER_TEST",
                "timeZone": "Europe/Berlin",
                "companyCurrency": "EUR",
                "additionalCurrencies": ["USD", "CHF"],
                "utcOffset": "+01:00",
                "utcOffsetMilliseconds": 3_600_000,
                "uiDomain": "app-eu1.hubspot.com",
                "dataHostingLocation": "eu1",
            }
        )

    def authorize(call: Call) -> Response:
        """The consent page; whoever comes here has consented."""
        redirect_uri = call.first("redirect_uri")
        if call.first("client_id") != oauth.client_id or not redirect_uri:
            raise hubspot_errors.oauth_refusal("BAD_CLIENT_ID", "missing or invalid client id")
        scopes = call.first("scope").split()
        challenge = call.first("code_challenge") or None
        answered = {"code": oauth.consent(scopes, redirect_uri, challenge)}
        if "state" in call.query:
            answered["state"] = call.first("state")
        joint = "&" if "?" in redirect_uri else "?"
        return RedirectResponse(f"{redirect_uri}{joint}{urlencode(answered)}", 302)

    def token(call: Call) -> Response:
        """Codes are redeemed once; refresh tokens stay the same for good."""
        form, refused = call.form(), hubspot_errors.oauth_refusal
        if form.get("client_id") != oauth.client_id:
            raise refused("BAD_CLIENT_ID", "missing or invalid client id")
        if form.get("client_secret") != oauth.client_secret:
            raise refused("BAD_CLIENT_SECRET", "missing or invalid client secret")
        if form.get("grant_type") == "authorization_code":
            grant = oauth.codes.pop(form.get("code", ""), None)
            if grant is None or not grant.proven_by(form.get("code_verifier", "")):
                raise refused("BAD_AUTH_CODE", "missing or unknown auth code")
            if grant.redirect_uri not in (None, form.get("redirect_uri")):
                message = "redirect uri does not match the one of the auth code"
                raise refused("MISMATCH_REDIRECT_URI_AUTH_CODE", message)
            refresh_token = oauth.keep(grant)
        elif form.get("grant_type") == "refresh_token":
            refresh_token = form.get("refresh_token", "")
            if refresh_token not in oauth.refresh_tokens:
                raise refused("BAD_REFRESH_TOKEN", "missing or unknown refresh token")
            grant = oauth.refresh_tokens[refresh_token]
        else:
            raise refused("BAD_GRANT_TYPE", "missing or unknown grant type")
        return answer(
            {
                "token_type": "bearer",
                "access_token": oauth.issue(grant, portal.clock()),
                "refresh_token": refresh_token,
                "expires_in": int(oauth.lasts),
            }
        )

    return [
        Endpoint("GET", "/crm/v3/owners", owners),
        Endpoint("GET", "/account-info/v3/details", account),
        Endpoint("GET", "/oauth/authorize", authorize, open=True),
        Endpoint("POST", "/oauth/v1/token", token, open=True),
    ]
