"""HubSpot's CRM endpoints: list, read, write, batches and search, the same for every object."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response

from sync_platform.sandbox.calls import Call, Endpoint, Handler, Json, Refusal, answer
from sync_platform.sandbox.hubspot_errors import invalid, refusal
from sync_platform.sandbox.hubspot_portal import Portal
from sync_platform.sandbox.hubspot_properties import Property, moment
from sync_platform.sandbox.hubspot_records import Record

MOST_A_PAGE = 100
MOST_A_BATCH = 100
LONGEST_URL = 32_000
ONE = "/crm/v3/objects/{object}/{id}"
ALL = "/crm/v3/objects/{object}"


def crm_endpoints(portal: Portal, url: Callable[[], str]) -> list[Endpoint]:
    """The endpoints over a portal; `url` says where the vendor is served, for links."""

    def list_page(call: Call) -> Response:
        object = portal.known(call.places["object"])
        limit = _number(call, "limit", 10)
        if not 0 < limit <= MOST_A_PAGE:
            raise invalid(f"The limit must be between 1 and {MOST_A_PAGE}, not {limit}.")
        names, records = _names(call), portal.records[object]
        index = records.archived if _archived(call) else records.live
        page = index.after(_number(call, "after", 0), limit + 1)
        body: Json = {"results": [portal.shown(object, record, names) for record in page[:limit]]}
        if len(page) > limit:
            after = str(page[limit - 1].id)
            link = f"{url()}{call.path}?{urlencode({**call.query, 'after': after}, doseq=True)}"
            body["paging"] = {"next": {"after": after, "link": link}}
        return answer(body)

    def read(call: Call) -> Response:
        object = portal.known(call.places["object"])
        record = portal.get(
            object,
            call.places["id"],
            id_property=call.first("idProperty"),
            archived=_archived(call),
        )
        return answer(portal.shown(object, record, _names(call)))

    def create(call: Call) -> Response:
        object = portal.known(call.places["object"])
        values = portal.checked(object, _body(call).get("properties", {}))
        return answer(written(object, portal.create(object, values), values), 201)

    def update(call: Call) -> Response:
        object = portal.known(call.places["object"])
        record = portal.get(object, call.places["id"], id_property=call.first("idProperty"))
        values = portal.checked(object, _body(call).get("properties", {}))
        return answer(written(object, portal.edit(object, record.id, values), values))

    def archive(call: Call) -> Response:
        object = portal.known(call.places["object"])
        if portal.find(object, call.places["id"], archived=True) is None:
            portal.archive(object, portal.get(object, call.places["id"]).id)
        return Response(status_code=204)

    def search(call: Call) -> Response:
        object = portal.known(call.places["object"])
        asked = _body(call)
        found = portal.search(object).find(asked, portal.properties[object])
        names = _listed_names(asked)
        results = [portal.shown(object, record, names) for record in found.records]
        body: Json = {"total": found.total, "results": results}
        if found.after is not None:
            body["paging"] = {"next": {"after": str(found.after), "link": f"?after={found.after}"}}
        return answer(body)

    # Batches: a wrong value refuses the whole batch, an unknown id only itself.

    def batch_read(call: Call) -> Response:
        object = portal.known(call.places["object"])
        asked = _body(call)
        id_property = asked.get("idProperty") or ""
        found: dict[int, Record] = {}
        missing = []
        for one in _inputs(asked):
            record = portal.find(
                object, str(one.get("id")), id_property=id_property, archived=_archived(call)
            )
            if record is None:
                missing.append(str(one.get("id")))
            else:
                found[record.id] = record
        names = _listed_names(asked)
        results = [portal.shown(object, found[id], names) for id in sorted(found)]
        return batch_answer(results, object, missing, "get")

    def batch_create(call: Call) -> Response:
        object = portal.known(call.places["object"])
        inputs = _inputs(_body(call))
        checked = [portal.checked(object, one.get("properties", {})) for one in inputs]
        _refuse_twins(checked, portal.records[object].holders)
        for values in checked:
            portal.check_unique(object, values)
        results = [
            written(object, portal.create(object, values), values, one)
            for one, values in zip(inputs, checked, strict=True)
        ]
        return batch_answer(results, object, [], "create", done=201)

    def batch_update(call: Call) -> Response:
        object = portal.known(call.places["object"])
        asked = [
            (
                one,
                portal.find(object, str(one.get("id")), id_property=one.get("idProperty") or ""),
                portal.checked(object, one.get("properties", {})),
            )
            for one in _inputs(_body(call))
        ]
        ids = [record.id for _, record, _ in asked if record]
        if len(set(ids)) < len(ids):
            raise invalid("Duplicate IDs found in batch input.")
        _refuse_twins([values for _, _, values in asked], portal.records[object].holders)
        for _, record, values in asked:
            if record:
                portal.check_unique(object, values, record.id)
        results = [
            written(object, portal.edit(object, record.id, values), values, one)
            for one, record, values in asked
            if record
        ]
        missing = [str(one.get("id")) for one, record, _ in asked if record is None]
        return batch_answer(results, object, missing, "update")

    def batch_archive(call: Call) -> Response:
        object = portal.known(call.places["object"])
        for one in _inputs(_body(call)):
            record = portal.find(object, str(one.get("id")))
            if record is not None:
                portal.archive(object, record.id)
        return Response(status_code=204)

    def written(
        object: str, record: Record, values: dict[str, str], asked: Json | None = None
    ) -> Json:
        """A record just written: what was set, and the mark its writer put on it."""
        shown = portal.shown(object, record, list(values))
        if asked and "objectWriteTraceId" in asked:
            shown["objectWriteTraceId"] = asked["objectWriteTraceId"]
        return shown

    def batch_answer(
        results: list[Json], object: str, missing: list[str], verb: str, done: int = 200
    ) -> Response:
        now = moment(portal.now())
        body: Json = {"status": "COMPLETE", "results": results}
        if missing:
            problem = {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": f"Could not {verb} some {object.upper()} objects, they may be deleted "
                "or not exist. Check that ids are valid.",
                "context": {"ids": missing},
                "errors": [],
                "links": {},
            }
            body |= {"numErrors": 1, "errors": [problem]}
        body |= {"requestedAt": now, "startedAt": now, "completedAt": now}
        return answer(body, 207 if missing else done)

    # Properties ----------------------------------------------------------------------------------

    def list_properties(call: Call) -> Response:
        object = portal.known(call.places["object"])
        listed = portal.archived_properties if _archived(call) else portal.properties
        return answer({"results": [property.shown() for property in listed[object].values()]})

    def read_property(call: Call) -> Response:
        object = portal.known(call.places["object"])
        return answer(portal.property(object, call.places["name"]).shown())

    def create_property(call: Call) -> Response:
        object = portal.known(call.places["object"])
        asked = _body(call)
        for name in ("name", "label", "type", "fieldType", "groupName"):
            if not isinstance(asked.get(name), str):
                raise invalid(f"Some required fields were not set: [{name}]")
        if not _are_options(asked.get("options") or []):
            raise invalid("Each option needs a label and a value.")
        property = Property(
            name=asked["name"],
            label=asked["label"],
            type=asked["type"],
            field_type=asked["fieldType"],
            group=asked["groupName"],
            description=asked.get("description", ""),
            options=asked.get("options"),
            order=asked.get("displayOrder", -1),
            unique=asked.get("hasUniqueValue", False),
            hidden=asked.get("hidden", False),
        )
        return answer(portal.add_property(object, property).shown(), 201)

    def archive_property(call: Call) -> Response:
        object = portal.known(call.places["object"])
        portal.remove_property(object, call.places["name"])
        return Response(status_code=204)

    routes: list[tuple[str, str, Handler]] = [
        ("GET", ALL, list_page),
        ("POST", ALL, create),
        ("POST", f"{ALL}/search", search),
        ("POST", f"{ALL}/batch/read", batch_read),
        ("POST", f"{ALL}/batch/create", batch_create),
        ("POST", f"{ALL}/batch/update", batch_update),
        ("POST", f"{ALL}/batch/archive", batch_archive),
        ("GET", ONE, read),
        ("PATCH", ONE, update),
        ("DELETE", ONE, archive),
        ("GET", "/crm/v3/properties/{object}", list_properties),
        ("POST", "/crm/v3/properties/{object}", create_property),
        ("GET", "/crm/v3/properties/{object}/{name}", read_property),
        ("DELETE", "/crm/v3/properties/{object}/{name}", archive_property),
    ]
    return [Endpoint(method, path, handler) for method, path, handler in routes]


def _body(call: Call) -> Json:
    try:
        body: Any = orjson.loads(call.body)
    except orjson.JSONDecodeError as problem:
        raise invalid(f"Invalid input JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON: an object is needed.")
    return body


def _inputs(asked: Json) -> list[Json]:
    inputs = asked.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise invalid("Some required fields were not set: [inputs]")
    if len(inputs) > MOST_A_BATCH:
        raise invalid(f"A batch has at most {MOST_A_BATCH} inputs, not {len(inputs)}.")
    return inputs


def _refuse_twins(checked: list[dict[str, str]], unique: Any) -> None:
    """Refuse a batch that gives two records the same unique value."""
    for name in unique:
        given = [values[name] for values in checked if values.get(name)]
        if len(set(given)) < len(given):
            raise refusal(409, f"Duplicate values of {name} in the batch.", "CONFLICT")


def _are_options(options: Any) -> bool:
    return isinstance(options, list) and all(
        isinstance(one, dict) and {"label", "value"} <= set(one) for one in options
    )


def _listed_names(asked: Json) -> list[str] | None:
    names = asked.get("properties") or None
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise invalid("properties must be a list of names.")
    return names


def _number(call: Call, name: str, default: int) -> int:
    text = call.first(name) or str(default)
    if not text.isdecimal():
        raise invalid(f"{name} must be a whole number, not {text!r}.")
    return int(text)


def _archived(call: Call) -> bool:
    return call.first("archived", "false").lower() == "true"


def _names(call: Call) -> list[str] | None:
    """The properties asked for, comma separated, repeated, or both."""
    asked = call.query.get("properties")
    if asked is None:
        return None
    joined = ",".join(asked)
    if len(joined) > LONGEST_URL:
        raise Refusal(414, {"status": "error", "message": "URI Too Long"})
    return [name.strip() for name in joined.split(",") if name.strip()]
