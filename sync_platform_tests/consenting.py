"""A person at a sandbox vendor's consent page, as a browser without a screen."""

import httpx


def decide(url: str, decision: str = "allow", accounts: tuple[str, ...] = ()) -> httpx.URL:
    """Look at the page, press a button; where the vendor sends the person back to."""
    with httpx.Client() as browser:
        page = browser.get(url)
        assert page.status_code == 200, page.text
        assert 'name="decision"' in page.text
        form = {"decision": decision, **({"account": list(accounts)} if accounts else {})}
        back = browser.post(url, data=form)
    assert back.status_code == 303, back.text
    return httpx.URL(back.headers["location"])


def allowed(url: str, *accounts: str) -> dict[str, str]:
    """Press Allow; the query of the address that one is sent back to."""
    return dict(decide(url, "allow", accounts).params)
