"""A person at a vendor's consent page: reads the form that is shown and presses a button."""

from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx


class Form(HTMLParser):
    """The fields of a page's form as a browser would send them, its address, and its choices."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.choices: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found.get("action", "")
        if tag != "input":
            return
        if found.get("name") == "account":
            self.choices.append(found["value"])
        if found.get("type") not in ("radio", "checkbox") or "checked" in found:
            self.fields[found["name"]] = found.get("value", "")


class Person:
    """Someone with a login at the vendor."""

    def __init__(self) -> None:
        self.read = ""  # the last page

    def decides(self, url: str, decision: str, account: str | None = None) -> str:
        """The address that the vendor then sends the browser to."""
        with httpx.Client(timeout=10) as browser:
            page = browser.get(url)
            assert page.status_code == 200, page.text
            self.read = page.text
            form = Form(page.text)
            sent = {**form.fields, "decision": decision}
            if account is not None:
                assert account in form.choices
                sent["account"] = account
            answer = browser.post(urljoin(url, form.action) if form.action else url, data=sent)
        assert answer.is_redirect, answer.text
        return answer.headers["location"]

    def allows(self, url: str, account: str | None = None) -> dict[str, str]:
        """Press Allow; the query of the callback."""
        return query_of(self.decides(url, "allow", account))

    def denies(self, url: str) -> dict[str, str]:
        """Press Deny; the query of the callback."""
        return query_of(self.decides(url, "deny"))


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query))
