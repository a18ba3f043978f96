"""HubSpot beside the CRM: owners, the account itself, and OAuth."""

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.responses import Response

from sync_platform.sandbox import hubspot_errors
from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.consent import oauth_endpoints
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
        token = oauth.token(call.headers.get("authorization", ""))
        portal_id = int(token.accounts[0]) if token else portal.id
        return answer(
            {
                "portalId": portal_id,
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

    return [
        Endpoint("GET", "/crm/v3/owners", owners),
        Endpoint("GET", "/account-info/v3/details", account),
        *oauth_endpoints(
            oauth,
            label="HubSpot",
            url=url,
            token="/oauth/v1/token",
            refused=hubspot_errors.token_refused,
        ),
    ]
