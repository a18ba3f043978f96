"""Airtable beside its records: who asks, which bases and tables there are, webhooks and OAuth."""

from collections.abc import Callable

import orjson
from starlette.responses import Response

from sync_platform.sandbox import airtable_errors
from sync_platform.sandbox.airtable_bases import ME, USERS, Base, Webhook, Workspace, iso
from sync_platform.sandbox.airtable_changes import A_WEEK
from sync_platform.sandbox.airtable_shown import schema
from sync_platform.sandbox.calls import Call, Endpoint, Json, answer
from sync_platform.sandbox.oauth_words import Token

BASES_AT_ONCE = 1000
MOST_WEBHOOKS = 10  # a base
MOST_PAYLOADS = 50  # a call
DATA_TYPES = ("tableData", "tableFields", "tableMetadata")


class Meta:
    """The endpoints over a workspace; `token` tells what the caller may see."""

    def __init__(self, workspace: Workspace, token: Callable[[Call], Token]) -> None:
        self._workspace, self._token = workspace, token

    def endpoints(self) -> list[Endpoint]:
        hooks, hook = "/v0/bases/{base}/webhooks", "/v0/bases/{base}/webhooks/{webhook}"
        return [
            Endpoint("GET", "/v0/meta/whoami", self._whoami),
            Endpoint("GET", "/v0/meta/bases", self._bases),
            Endpoint("GET", "/v0/meta/bases/{base}/tables", self._tables),
            Endpoint("GET", hooks, self._webhooks),
            Endpoint("POST", hooks, self._make_webhook),
            Endpoint("DELETE", hook, self._remove_webhook),
            Endpoint("GET", f"{hook}/payloads", self._payloads),
            Endpoint("POST", f"{hook}/refresh", self._refresh),
        ]

    def _whoami(self, call: Call) -> Response:
        token = self._token(call)
        told: Json = {"id": ME}
        if token.scopes is not None:
            told["scopes"] = sorted(token.scopes)
        if token.allows("user.email:read"):
            told["email"] = USERS[ME]["email"]
        return answer(told)

    def _bases(self, call: Call) -> Response:
        """A thousand at a time, with an offset where there are more."""
        seen = self._token(call).accounts
        bases = [it for it in self._workspace.bases.values() if not seen or it.id in seen]
        start = int(call.first("offset", "0")) if call.first("offset", "0").isdecimal() else 0
        page = bases[start : start + BASES_AT_ONCE]
        told: Json = {
            "bases": [
                {"id": it.id, "name": it.name, "permissionLevel": it.permission} for it in page
            ]
        }
        if start + len(page) < len(bases):
            told["offset"] = str(start + len(page))
        return answer(told)

    def _tables(self, call: Call) -> Response:
        return answer({"tables": [schema(table) for table in self._base(call).tables]})

    # -- webhooks ------------------------------------------------------------------------------

    def _webhooks(self, call: Call) -> Response:
        return answer({"webhooks": [self._shown(it) for it in self._base(call, "create").webhooks]})

    def _shown(self, hook: Webhook) -> Json:
        return {
            "id": hook.id,
            "specification": hook.specification,
            "notificationUrl": hook.url,
            "cursorForNextPayload": hook.next,
            "lastNotificationResult": None,
            "areNotificationsEnabled": hook.url is not None,
            "lastSuccessfulNotificationTime": None,
            "isHookEnabled": hook.expires > self._workspace.now(),
            "expirationTime": iso(hook.expires),
        }

    def _make_webhook(self, call: Call) -> Response:
        base = self._base(call, "create")
        try:
            asked = orjson.loads(call.body)
            kinds = asked["specification"]["options"]["filters"]["dataTypes"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise airtable_errors.invalid_parameters() from None
        if not kinds or not set(kinds) <= set(DATA_TYPES):
            raise airtable_errors.invalid_parameters()
        if len(base.webhooks) >= MOST_WEBHOOKS:
            raise airtable_errors.too_many_webhooks()
        expires = self._workspace.now() + A_WEEK
        hook = Webhook(
            self._workspace.id("ach"), asked["specification"], expires, asked.get("notificationUrl")
        )
        base.webhooks.append(hook)
        self._workspace.changes += 1
        secret = "c2FuZGJveA=="
        return answer({"id": hook.id, "macSecretBase64": secret, "expirationTime": iso(expires)})

    def _remove_webhook(self, call: Call) -> Response:
        base = self._base(call, "create")
        base.webhooks.remove(self._webhook(call))
        self._workspace.changes += 1
        return Response(status_code=204)

    def _payloads(self, call: Call) -> Response:
        """From a cursor on; asking prolongs the webhook's life. What is older than a week is
        gone, and the cursor of it leads to what is left."""
        hook = self._webhook(call)
        cursor, limit = call.first("cursor", "1"), call.first("limit", str(MOST_PAYLOADS))
        if not (cursor.isdecimal() and limit.isdecimal() and 0 < int(limit) <= MOST_PAYLOADS):
            raise airtable_errors.invalid_parameters()
        if not 1 <= int(cursor) <= hook.next:
            raise airtable_errors.invalid_parameters()
        now = self._workspace.now()
        if hook.expires > now:
            hook.expires = now + A_WEEK
        kept = [it for it in hook.payloads if it[1] > now - A_WEEK and it[0] >= int(cursor)]
        page = kept[: int(limit)]
        after = page[-1][0] + 1 if page else hook.next
        if hook.stuck:
            after = int(cursor)
        return answer(
            {
                "payloads": [payload for _, _, payload in page],
                "cursor": after,
                "mightHaveMore": hook.stuck or len(kept) > len(page),
                "payloadFormat": "v0",
            }
        )

    def _refresh(self, call: Call) -> Response:
        hook = self._webhook(call)
        hook.expires = self._workspace.now() + A_WEEK
        return answer({"expirationTime": iso(hook.expires)})

    def _base(self, call: Call, needed: str = "") -> Base:
        base = self._workspace.bases.get(call.places["base"])
        if base is None or needed not in ("", base.permission):
            raise airtable_errors.not_permitted()
        return base

    def _webhook(self, call: Call) -> Webhook:
        for hook in self._base(call).webhooks:
            if hook.id == call.places["webhook"]:
                return hook
        raise airtable_errors.not_found()


def scope_of(call: Call) -> str | None:
    """The scope that a call needs."""
    reads = call.method == "GET" or call.path.endswith("/listRecords")
    if call.path.startswith("/v0/meta/"):
        return None if call.path.endswith("/whoami") else "schema.bases:read"
    if call.path.startswith("/v0/bases/"):
        return "webhook:manage"
    return f"data.records:{'read' if reads else 'write'}"
