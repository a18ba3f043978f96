"""People at the pages: what they see, as a browser without a screen has it."""

import re
from html import unescape

from sync_platform.engine.access import Role
from sync_platform.platform import Platform
from sync_platform_tests.person import Person, query_of
from sync_platform_tests.web.serving import PASSWORD, Visitor, visitor


def member(url: str, platform: Platform) -> Visitor:
    """A browser of someone who may see and sync, and nothing else."""
    link = platform.access.address_of(platform.access.add_person("bob@example.com", Role.MEMBER))
    browser = visitor(url)
    browser.look(link)
    assert browser.submit(link, password=PASSWORD, again=PASSWORD).status_code == 303
    browser.look("/settings/account")
    return browser


def words(html: str) -> str:
    """What a page says: its text, with single blanks."""
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body.replace("<wbr>", ""))).split())


def read(browser: Visitor, path: str) -> str:
    """What the page at that path says."""
    answer = browser.look(path)
    assert answer.status_code == 200, words(answer.text)
    return words(answer.text)


def sent_to(html: str) -> str:
    """The vendor's address that a page goes on to."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', html)
    assert found, words(html)
    return unescape(found[1])


def consents(
    browser: Visitor, path: str, account: str | None = None, *, decision: str = "allow", **form: str
) -> str:
    """Send the form, say yes (or no) at the vendor, come back; where one is sent then, or what is
    said where one is not."""
    answer = browser.submit(path, **form)
    back = Person().decides(sent_to(answer.text), decision, account)
    came = browser.get("/connect/callback", params=query_of(back))
    return came.headers["location"] if came.is_redirect else words(came.text)
