"""What a sandbox vendor lets its user do from outside, under `/_sandbox/`: no vendor has these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from sync_platform.sandbox.calls import Call, Endpoint, Handler, Json, Refusal, answer
from sync_platform.sandbox.faults import fault_from

if TYPE_CHECKING:
    from sync_platform.sandbox.vendor import Vendor

SETTABLE = (
    "lasts", "code_lasts", "rotates", "refresh_lasts", "redirect_uris", "pkce", "expires_in",
)  # fmt: skip


def admin_endpoints(vendor: Vendor) -> list[Endpoint]:
    """The same for every vendor: faults, the truth, counts, changes on demand, limits, OAuth."""

    def add_fault(call: Call) -> Response:
        fault = fault_from(_object(call))
        vendor.faults.append(fault)
        return answer({"waiting": len(vendor.faults)})

    def clear_faults(call: Call) -> Response:
        vendor.faults.clear()
        return Response(status_code=204)

    def records(call: Call) -> Response:
        return answer({"results": list(vendor.truth(call.places["object"]))})

    def archived(call: Call) -> Response:
        return answer({"results": list(vendor.truth(call.places["object"], archived=True))})

    def counts(call: Call) -> Response:
        return answer(
            {
                "total": vendor.calls.total(),
                "calls": {f"{method} {path}": n for (method, path), n in vendor.calls.items()},
                "statuses": {str(status): n for status, n in vendor.statuses.items()},
            }
        )

    def forget_counts(call: Call) -> Response:
        vendor.calls.clear()
        vendor.statuses.clear()
        return Response(status_code=204)

    def change(call: Call) -> Response:
        wanted = _object(call)
        made = vendor.change(
            wanted.get("object", "contacts"),
            creates=wanted.get("creates", 0),
            updates=wanted.get("updates", 0),
            archives=wanted.get("archives", 0),
        )
        return answer(made)

    def budget(call: Call) -> Response:
        vendor.set_limits(_object(call))
        return answer({name: bucket.calls for name, bucket in vendor.limits.items()})

    def oauth(call: Call) -> Response:
        """Set what is given of SETTABLE; `expire` ends access tokens, `revoke` everything."""
        server, wanted = vendor.authorization_server(), _object(call)
        if server is None:
            raise ValueError(f"{vendor.name} has no OAuth here.")
        unknown = set(wanted) - {*SETTABLE, "expire", "revoke"}
        if unknown:
            raise ValueError(f"Unknown here: {', '.join(sorted(unknown))}.")
        for name in SETTABLE:
            if name in wanted:
                setattr(server, name, wanted[name])
        if wanted.get("expire"):
            server.expire(vendor.clock())
        if wanted.get("revoke"):
            server.revoke()
        return answer({name: getattr(server, name) for name in SETTABLE})

    routes: list[tuple[str, str, Handler]] = [
        ("POST", "faults", add_fault),
        ("DELETE", "faults", clear_faults),
        ("GET", "records/{object}", records),
        ("GET", "archived/{object}", archived),
        ("GET", "calls", counts),
        ("DELETE", "calls", forget_counts),
        ("POST", "change", change),
        ("POST", "budget", budget),
        ("POST", "oauth", oauth),
    ]
    return [
        Endpoint(method, f"/_sandbox/{path}", _explained(handler), open=True)
        for method, path, handler in routes
    ]


def _object(call: Call) -> Json:
    wanted = orjson.loads(call.body or b"{}")
    if not isinstance(wanted, dict):
        raise ValueError("A JSON object is needed.")
    return wanted


def _explained(handler: Handler) -> Handler:
    """Answer 400 with the reason where a wish makes no sense."""

    def respond(call: Call) -> Response:
        try:
            return handler(call)
        except (ValueError, TypeError) as problem:
            raise Refusal(400, {"message": str(problem)}) from problem
        except KeyError as problem:
            raise Refusal(404, {"message": f"There is no {problem}."}) from problem

    return respond
