"""Salesforce: every object of an org, by what it says of itself (describe).

What surprises:
- A formula changes without moving SystemModstamp: such fields are read again twice a day.
- Long transactions show late: each incremental sync goes five minutes back.
- Records have whole seconds, and deletions are told by the minute.
- Deleted records stay in the recycle bin for 15 days, where queryAll finds them; emptied out of it,
  only getDeleted tells, for 15 days too. After a pause of 13 days an incremental sync reads
  everything. Where Salesforce purged its delete log early, the daily full sync finds what is gone.
- Tasks and events of more than a year are archived: only queryAll finds them, so it is used always.
- An object without SystemModstamp moves by LastModifiedDate, else (history) by CreatedDate.
- Addresses end at 16,384 characters. Where an object's fields need more, a query asks for ids and
  POST /composite/sobjects for the records; each page is two calls then. What comes back as nothing
  (archived activities may) is asked for by queries for some of the fields at a time.
- A read is whole where its pages hold as many records as the first one, or the bulk job, counted.
- What getDeleted tells is looked up: a record that came back since then is not gone.
- Addresses and locations come in parts (BillingCity …), files (base64) not at all; the comment of
  Id names what is left out. Values that are JSON (complexvalue) are text in bulk, and read.
- Values of any type (anyType in history) are text, so that REST and bulk give the same.
- The daily limit is the org's: other apps use it up, too. It answers 403 when it is used up.
- A session ends when the org's settings say so, without telling when: by a 401.
- An object that the account may not read is as if there was none (INVALID_TYPE; NOT_FOUND where
  it is described). A 404 without such a code is none of Salesforce's.
- Some objects cannot be asked whole (NOT_WHOLE) or in bulk (NOT_IN_BULK).

Sources: Salesforce's developer documents: Query, QueryAll, Get Deleted, Describe, URI length; the
answers that the client library restforce recorded.
From memory, not checked against the vendor: the limit of 100,000 calls a day and the header that
tells the true one; Bulk API 2.0's paths, states and headers; POST of /composite/sobjects for 2,000
ids; that a batchSize of 500 is heeded; both lists of objects below; the error codes in MEANINGS;
that every user may read Organization; the audience of a JWT, and that its five minutes are not too
long; that totalSize and numberRecordsProcessed count what the pages hold, also where records go
meanwhile; that NOT_FOUND is what describe says of an object that is not shown.
"""

import re
from collections.abc import Iterator, Mapping

from sync_platform import spec
from sync_platform.connectors._salesforce_bulk import in_bulk
from sync_platform.connectors._salesforce_fields import check_external_id, external_ids, fields
from sync_platform.connectors._salesforce_gone import DELETES_REMEMBERED, gone
from sync_platform.connectors._salesforce_reads import DATA, TIMES, count, is_gone, rows
from sync_platform.errors import ConfigurationError

CORE = (
    "Account", "Contact", "Lead", "Opportunity", "Case", "Task", "Event", "User", "Campaign",
    "Product2", "PricebookEntry", "OpportunityLineItem",
)  # fmt: skip
NOT_WHOLE = (
    "Announcement", "AppTabMember", "CollaborationGroupRecord", "ColorDefinition",
    "ContentDocumentLink", "ContentFolderItem", "ContentFolderMember", "DataStatistics",
    "DatacloudAddress", "EntityParticle", "FieldDefinition", "FieldHistoryArchive",
    "FlexQueueItem", "FlowVariableView", "FlowVersionView", "IconDefinition", "IdeaComment",
    "Name", "OwnerChangeOptionInfo", "PicklistValueInfo", "PlatformAction", "RelationshipDomain",
    "RelationshipInfo", "SearchLayout", "SiteDetail", "UserEntityAccess", "UserFieldAccess",
    "UserRecordAccess", "Vote",
)  # fmt: skip
NOT_IN_BULK = (
    "AcceptedEventRelation", "Attachment", "CaseStatus", "ContractStatus", "DeclinedEventRelation",
    "EventWhoRelation", "FieldSecurityClassification", "OrderStatus", "PartnerRole",
    "QuoteTemplateRichTextData", "RecentlyViewed", "SolutionStatus", "TaskPriority", "TaskStatus",
    "TaskWhoRelation", "UndecidedEventRelation", "WorkOrderStatus",
)  # fmt: skip
MANY = 20_000  # records: ten pages; a bulk job is quicker from there on, and costs fewer calls

MEANINGS: Mapping[str, spec.Meaning] = {
    "REQUEST_LIMIT_EXCEEDED": "rate_limited",
    "INVALID_SESSION_ID": "sign_in_refused",
    "INVALID_AUTH_HEADER": "sign_in_refused",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": "sign_in_refused",
    "INVALID_TYPE": "not_permitted",
    "INSUFFICIENT_ACCESS": "not_permitted",
    "INSUFFICIENT_ACCESS_OR_READONLY": "not_permitted",
    "API_DISABLED_FOR_ORG": "not_permitted",
    "QUERY_TIMEOUT": "unavailable",
    "UNABLE_TO_LOCK_ROW": "unavailable",
    "SERVER_UNAVAILABLE": "unavailable",
    "EXCEEDED_ID_LIMIT": "too_much",
    "INVALID_QUERY_LOCATOR": "page_forgotten",
    "MALFORMED_QUERY": "query_refused",
    "INVALID_FIELD": "query_refused",
}

CREATED = spec.Filter(name="created_within", label="Created within the last days", kind="days")
WHERE = spec.Filter(name="where", label="Condition in SOQL, such as Type = 'Customer'", kind="text")
HOSTS = (".salesforce.com", ".salesforce.mil", ".sfcrmproducts.cn", ".sfcrmapps.cn")


def discover(api: spec.Api) -> Iterator[spec.Discovered]:
    """Every object that can be queried. The API name of a custom one may change, its key prefix
    does not. Raises ConfigurationError where an external id is not there."""
    listed = api.get(f"{DATA}/sobjects")["sobjects"]
    externals = external_ids(api.settings.get("external_ids", ""))
    for sobject, name in externals.items():
        check_external_id(api, sobject, name, [it["name"] for it in listed])
    for found in listed:
        name = found["name"]
        usable = found["queryable"] and not found["deprecatedAndHidden"]
        if not usable or name in NOT_WHOLE:
            continue
        can = ("replicateable", "createable", "updateable", "deletable")
        custom = name.endswith("__c")
        yield spec.Discovered(
            name=name[:63],
            label=found.get("labelPlural") or found.get("label") or name,
            id=found.get("keyPrefix") if custom else None,
            about={
                "sobject": name,
                **{flag: bool(found.get(flag)) for flag in can},
                "external_id": externals.get(name),
            },
            chosen=custom or name in CORE,
        )


def discovered(found: spec.Discovered) -> spec.ConnectorObject:
    """An object out of what its list says; its fields are asked for when they are needed."""
    sobject, can = found.about["sobject"], found.about
    path = f"{DATA}/sobjects/{sobject}"
    dated, external = can["replicateable"], can.get("external_id")
    create = spec.post(path, json=values)
    if external:

        def without(change: spec.OutboundChange) -> spec.Json:
            return {name: it for name, it in change.values.items() if name != external}

        upsert = f"{path}/{external}/{{{external}}}"
        create = spec.patch(upsert, json=without, safe_to_repeat=True)
    return spec.ConnectorObject(
        name=found.name,
        label=found.label,
        key="Id",
        cursor=TIMES[0] if dated else None,
        lookback=spec.minutes(5 if dated else 0),
        fields=lambda api: fields(api, sobject),
        read=rows(sobject),
        gone_when=is_gone,
        deletes=gone(sobject) if dated else None,
        deletes_remembered=DELETES_REMEMBERED if dated else None,
        bulk=None
        if sobject in NOT_IN_BULK
        else spec.Bulk(count=count(sobject), read=in_bulk(sobject), above=MANY),
        computed_every=spec.hours(12),
        filters=[CREATED, WHERE] if dated and not sobject.endswith("Share") else [WHERE],
        create=create if can["createable"] else None,
        update=spec.patch(path + "/{key}", json=values, safe_to_repeat=True)
        if can["updateable"]
        else None,
        delete=spec.delete(path + "/{key}") if can["deletable"] else None,
    )


def values(change: spec.OutboundChange) -> spec.Json:
    return dict(change.values)


def login(settings: Mapping[str, str]) -> str:
    """Where people sign in. Our app's secret goes there, so it must be Salesforce's own."""
    host = settings.get("login_host", "").strip().removeprefix("https://").rstrip("/").lower()
    host = host or "login.salesforce.com"
    if not (re.fullmatch(r"[a-z0-9.-]+", host) and host.endswith(HOSTS)):
        raise ConfigurationError(
            f"{host!r} is no login host of Salesforce. It is login.salesforce.com, "
            "test.salesforce.com for a sandbox, or your own, as acme.my.salesforce.com."
        )
    return f"https://{host}"


def audience(settings: Mapping[str, str]) -> str:
    """Whom an assertion is for: of an org's own host, the login host for all orgs of its kind."""
    host = login(settings).removeprefix("https://")
    sandbox = host.startswith("test.") or ".sandbox." in host
    return f"https://{'test' if sandbox else 'login'}.salesforce.com"


def calls_left(headers: Mapping[str, str]) -> spec.CallsLeft | None:
    """From `api-usage=25/5000; per-app-api-usage=17/250(…)`: whichever is nearer its end."""
    told = re.findall(r"api-usage=(\d+)/(\d+)", headers.get("sforce-limit-info", ""))
    left = [(int(of) - int(used), int(of)) for used, of in told]
    return spec.CallsLeft(left=min(left)[0], of=min(left)[1]) if left else None


def means(status: int, body: spec.Json) -> spec.Meaning | None:
    """By the code in the body: the status says little."""
    code = spec.at(body[0], "errorCode") if isinstance(body, list) and body else None
    return MEANINGS.get(str(code))


def account(answer: spec.Json) -> spec.Account | None:
    for org in answer["records"]:
        return spec.Account(id=org["Id"], name=org.get("Name") or "")
    return None


connector = spec.Connector(
    name="salesforce",
    label="Salesforce",
    base_url=lambda settings: settings["instance_url"],
    auth=[
        spec.OAuth2(
            authorize_url=lambda settings: f"{login(settings)}/services/oauth2/authorize",
            token_url=lambda settings: f"{login(settings)}/services/oauth2/token",
            revoke_url=lambda settings: f"{login(settings)}/services/oauth2/revoke",
            scopes=["api", "refresh_token"],
        ),
        spec.JwtBearer(
            token_url=lambda settings: f"{login(settings)}/services/oauth2/token",
            claims=lambda secret, settings: {
                "iss": secret["client_id"],
                "sub": secret["username"],
                "aud": audience(settings),
            },
            key_file=lambda file: {n: file[n] for n in ("client_id", "username", "private_key")},
            label="JWT bearer (JSON with client_id, username and private_key)",
        ),
        spec.ClientCredentials(
            token_url=lambda settings: f"{login(settings)}/services/oauth2/token",
            label="Client credentials (login host: your own, as acme.my.salesforce.com)",
        ),
    ],
    settings=[
        spec.Setting(
            name="login_host",
            label="Login host",
            default="login.salesforce.com",
            description="test.salesforce.com for a sandbox; or your own: acme.my.salesforce.com.",
        ),
        spec.Setting(
            name="instance_url",
            label="Instance",
            found_in="token",
            description="Where the org is, as https://acme.my.salesforce.com.",
        ),
        spec.Setting(
            name="external_ids",
            label="External ids",
            required=False,
            description="Fields that make a record that is created twice one, by object, with "
            "commas between: Contact.Number__c. Discover again after changing it.",
        ),
    ],
    limits=[
        spec.RateLimit(name="daily", calls=100_000, seconds=86_400, told=calls_left, penalty=60.0)
    ],
    means=means,
    check=spec.get(f"{DATA}/query", params={"q": "SELECT Id, Name FROM Organization"}),
    account=account,
    objects=[],
    discover=discover,
    discovered=discovered,
)
