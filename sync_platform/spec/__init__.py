"""What a connector can say: pure data, with functions in the slots where a value comes late.

A connector is a module that holds `connector = spec.Connector(...)`.
"""

from sync_platform.spec.api import Answer, Api, Json, Key, Page, Row
from sync_platform.spec.auth import (
    ApiKey,
    Auth,
    BasicAuth,
    BearerToken,
    ClientCredentials,
    JwtBearer,
    OAuth2,
)
from sync_platform.spec.connector import (
    Account,
    Connector,
    Discovered,
    Interval,
    Meaning,
    Option,
    Setting,
    hours,
    minutes,
)
from sync_platform.spec.faults import faults
from sync_platform.spec.limits import CallsLeft, RateLimit
from sync_platform.spec.objects import (
    FIELD_TYPES,
    Bulk,
    Changes,
    ConnectorObject,
    Field,
    FieldType,
    Filter,
    FilterKind,
    Writing,
)
from sync_platform.spec.pages import (
    CountedPages,
    HeaderPages,
    NextPage,
    Paginator,
    at,
    cursor_pages,
    header_pages,
    keyset_pages,
    link_header_pages,
    linked_pages,
    numbered_pages,
    offset_pages,
    params_of,
    single_page,
)
from sync_platform.spec.records import UNEXPECTED, Unreadable, rows_from
from sync_platform.spec.repeats import Repeats
from sync_platform.spec.requests import (
    Asked,
    OutboundChange,
    Read,
    Request,
    delete,
    get,
    patch,
    post,
    put,
)
from sync_platform.spec.times import epoch_ms, epoch_s, iso, moment

__all__ = [
    "FIELD_TYPES", "UNEXPECTED", "Account", "Answer", "Api", "ApiKey", "Asked", "Auth", "BasicAuth",
    "BearerToken", "Bulk", "CallsLeft", "Changes", "ClientCredentials", "Connector",
    "ConnectorObject", "CountedPages", "Discovered", "Field", "FieldType", "Filter", "FilterKind",
    "HeaderPages", "Interval", "Json", "JwtBearer", "Key", "Meaning", "NextPage", "OAuth2",
    "Option", "OutboundChange", "Page", "Paginator", "RateLimit", "Read", "Repeats", "Request",
    "Row", "Setting", "Unreadable", "Writing", "at", "cursor_pages", "delete", "epoch_ms",
    "epoch_s", "faults", "get", "header_pages", "hours", "iso", "keyset_pages", "link_header_pages",
    "linked_pages", "minutes", "moment", "numbered_pages", "offset_pages", "params_of", "patch",
    "post", "put", "rows_from", "single_page",
]  # fmt: skip
