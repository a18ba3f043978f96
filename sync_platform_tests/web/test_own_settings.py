"""The pages for people and API keys."""

import re

from sync_platform.engine.access import Role, Scope
from sync_platform.engine.connections import Connection
from sync_platform.platform import Platform
from sync_platform_tests.web.serving import PASSWORD, Visitor, visitor


def row_of(page: str, name: str) -> str:
    """The table row that has this name."""
    found = re.search(rf'<tr(?: class="\w+")?>\s*<th scope="row">{name}.*?</tr>', page, re.DOTALL)
    assert found, page
    return found[0]


def test_a_person_is_added_and_comes_in_by_their_link(
    web: str, platform: Platform, signed_in: Visitor
) -> None:
    page = signed_in.submit("/settings/people", email="bob@example.com", role="member").text
    found = re.search(rf'value="({re.escape(web)}/welcome/[^"]+)"', page)
    assert found
    assert found[1] not in signed_in.get("/settings/people").text
    with visitor(web) as bob:
        bob.look(found[1])
        bob.submit(found[1], password=PASSWORD, again=PASSWORD)
        account = bob.look("/settings/account").text
        assert "bob@example.com" in account
        assert "API keys" not in account
        for path in ("/settings/people", "/settings/keys"):
            answer = bob.get(path)
            assert answer.status_code == 403
            assert "which admins have" in answer.text
        answer = bob.submit("/settings/people", email="eve@example.com", role="admin")
        assert answer.status_code == 403
    assert len(platform.access.people()) == 2


def test_a_person_is_promoted_disabled_and_enabled(platform: Platform, signed_in: Visitor) -> None:
    bob = platform.access.add_person("bob@example.com", Role.MEMBER).person
    signed_in.submit(f"/settings/people/{bob.id}/role", role="admin")
    assert ">admin</td>" in row_of(signed_in.look("/settings/people").text, bob.email)
    signed_in.submit(f"/settings/people/{bob.id}/disable")
    assert "admin, disabled" in row_of(signed_in.look("/settings/people").text, bob.email)
    signed_in.submit(f"/settings/people/{bob.id}/enable")
    assert "disabled" not in row_of(signed_in.look("/settings/people").text, bob.email)
    page = signed_in.submit(f"/settings/people/{bob.id}/link").text
    assert "Give this link to <strong>bob@example.com</strong>" in page


def test_what_cannot_be_is_told_on_the_page(platform: Platform, signed_in: Visitor) -> None:
    ann = platform.access.person("ann@example.com")
    taken = signed_in.submit("/settings/people", email="ann@example.com", role="member")
    assert (taken.status_code, "already" in taken.text) == (409, True)
    wrong = signed_in.submit("/settings/people", email="<b>nobody", role="member")
    assert (wrong.status_code, "&lt;b&gt;nobody" in wrong.text) == (422, True)
    last = signed_in.submit(f"/settings/people/{ann.id}/disable")
    assert (last.status_code, "No admin would be left" in last.text) == (409, True)
    nobody = signed_in.submit("/settings/people/x/disable")
    assert nobody.status_code == 404
    role = signed_in.submit("/settings/people", email="bob@example.com", role="emperor")
    assert (role.status_code, "does not fit: role" in role.text) == (422, True)


def test_a_key_is_shown_once_and_revoked(
    platform: Platform, signed_in: Visitor, acme: Connection
) -> None:
    page = signed_in.submit(
        "/settings/keys",
        name="nightly <report>",
        scopes=["read", "sync"],
        reach="some",
        schemas=[acme.schema],
    ).text
    found = re.search(r'value="(sp_[\w-]{43})"', page)
    assert found
    (key,) = platform.access.api_keys()
    assert key.scopes == {Scope.READ, Scope.SYNC}
    assert key.schemas == frozenset({acme.schema})
    assert key.created_by == "ann@example.com"
    listed = signed_in.look("/settings/keys").text
    assert found[1] not in listed
    row = row_of(listed, "nightly &lt;report&gt;")
    assert "read, sync" in row
    assert "acme_hubspot" in row
    assert "never" in row
    signed_in.submit(f"/settings/keys/{key.id}/revoke")
    assert "revoked" in row_of(signed_in.look("/settings/keys").text, "nightly")
    assert platform.access.by_key(found[1]) is None


def test_a_key_that_cannot_be_is_told_on_the_page(platform: Platform, signed_in: Visitor) -> None:
    for fields, told in (
        ({"name": "x"}, "needs a scope"),
        ({"name": "x", "scopes": "emperor"}, "no scope &#39;emperor&#39;"),
        ({"name": " ", "scopes": "read"}, "Give the API key a name"),
        ({"name": "x", "scopes": "read", "reach": "some"}, "Choose the workspaces"),
    ):
        answer = signed_in.submit("/settings/keys", **fields)
        assert answer.status_code == 422
        assert told in answer.text
    assert platform.access.api_keys() == []


def test_a_key_is_not_made_for_all_workspaces_while_some_are_ticked(
    platform: Platform, signed_in: Visitor, acme: Connection
) -> None:
    form = {"name": "x", "scopes": ["read", "sync"], "reach": "all", "schemas": acme.schema}
    answer = signed_in.submit("/settings/keys", **form)  # type: ignore[arg-type]
    assert (answer.status_code, "Choose one of it" in answer.text) == (422, True)
    for kept in ('value="sync" checked', f'value="{acme.schema}" checked', 'value="x"'):
        assert kept in answer.text
    assert platform.access.api_keys() == []
