"""The fake Stripe takes changes, keys and calls as Stripe does."""

from pathlib import Path

import httpx
import pytest

from sync_platform.sandbox import serve
from sync_platform.sandbox.stripe import Stripe
from sync_platform_tests.consenting import allowed
from sync_platform_tests.sandbox.asking import Clock
from sync_platform_tests.sandbox.stripe.asking import SIGNED, error, listed


def test_forms_are_nested_and_metadata_is_merged(client: httpx.Client) -> None:
    form = {"name": "Zoë", "address[city]": "Köln", "metadata[a]": "1", "metadata[b]": "2"}
    made = client.post("/v1/customers", data=form).json()
    assert (made["address"], made["metadata"]) == ({"city": "Köln"}, {"a": "1", "b": "2"})
    form = {"metadata[a]": "", "name": "", "balance": "-5"}
    edited = client.post(f"/v1/customers/{made['id']}", data=form).json()
    assert (edited["metadata"], edited["name"], edited["balance"]) == ({"b": "2"}, None, -5)


def test_what_is_not_known_or_lacking_is_refused(client: httpx.Client) -> None:
    assert error(client.post("/v1/customers", data={"nick": "Z"}))[1]["code"] == "parameter_unknown"
    assert error(client.post("/v1/products"))[1]["code"] == "parameter_missing"
    status, told = error(client.post("/v1/customers", data={"balance": "much"}))
    assert (status, told["param"]) == (400, "balance")


def test_a_key_that_comes_again_gets_the_first_answer(client: httpx.Client) -> None:
    key = {"Idempotency-Key": "change-1"}
    first, second = (
        client.post("/v1/customers", data={"name": "Zoë"}, headers=key) for _ in range(2)
    )
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(listed(client, "/v1/customers")) == 4
    status, told = error(client.post("/v1/customers", data={"name": "Ada"}, headers=key))
    assert (status, told["type"]) == (400, "idempotency_error")


def test_what_is_deleted_leaves_a_stub_or_nothing(stripe: Stripe, client: httpx.Client) -> None:
    customer, draft = stripe.add_customer(), stripe.add("invoices")
    for path in (f"/v1/customers/{customer}", f"/v1/invoices/{draft}"):
        assert client.delete(path).json()["deleted"] is True
    assert client.get(f"/v1/customers/{customer}").json() == {
        "id": customer,
        "object": "customer",
        "deleted": True,
    }
    assert error(client.get(f"/v1/invoices/{draft}"))[1]["code"] == "resource_missing"
    paid = next(iter(stripe.account.records["invoices"]))
    assert client.delete(f"/v1/invoices/{paid}").status_code == 400


def test_a_key_is_a_bearer_token_or_the_user_of_basic(stripe: Stripe) -> None:
    url = f"{stripe.url}/v1/customers"
    assert httpx.get(url, auth=("sandbox-token", "")).status_code == 200
    assert error(httpx.get(url))[0] == 401
    status, told = error(httpx.get(url, headers={"Authorization": "Bearer sk_live_0123456789"}))
    assert (status, "sk_live_0123456789" in told["message"]) == (401, False)


def test_a_restricted_key_says_what_it_lacks() -> None:
    with (
        serve(Stripe(tokens={"rk": ["rak_product_read"]})) as stripe,
        httpx.Client(base_url=stripe.url, headers={"Authorization": "Bearer rk"}) as client,
    ):
        assert client.get("/v1/products").status_code == 200
        for method, path, lacking in (
            ("GET", "/v1/customers/x", "rak_customer_read"),
            ("POST", "/v1/products", "rak_product_write"),
            ("GET", "/v1/checkout/sessions", "rak_checkout_session_read"),
            ("GET", "/v1/events", "rak_event_read"),
        ):
            status, told = error(client.request(method, path))
            assert (status, lacking in told["message"]) == (403, True)


def test_each_kind_of_endpoint_has_a_limit_of_its_own(clock: Clock) -> None:
    with (
        serve(Stripe(clock=clock, per_second=3, per_endpoint=2)) as stripe,
        httpx.Client(base_url=stripe.url, headers=SIGNED) as client,
    ):
        paths = ["/v1/customers", "/v1/customers/x", "/v1/customers", "/v1/prices", "/v1/prices"]
        answers = [client.get(path) for path in paths]
        assert [it.status_code for it in answers] == [200, 404, 429, 200, 429]
        assert answers[2].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
        assert answers[4].headers["Stripe-Rate-Limited-Reason"] == "global-rate"
        assert "Retry-After" not in answers[2].headers
        clock.now += 1
        assert client.get("/v1/customers").status_code == 200


def test_a_removed_app_is_told_as_what_it_is(stripe: Stripe) -> None:
    redirect = "http://127.0.0.1:8000/callback"
    page = httpx.URL(
        f"{stripe.url}/oauth/v2/authorize",
        params={"response_type": "code", "client_id": "ca_sandbox", "redirect_uri": redirect},
    )
    form = {"grant_type": "authorization_code", "code": allowed(str(page))["code"]}
    app = ("sk_test_sandbox_secret", "")  # the app's secret key, as for any other call
    form |= {"redirect_uri": redirect}
    given = httpx.post(f"{stripe.url}/v1/oauth/token", data=form, auth=app).json()
    assert given["stripe_user_id"].startswith("acct_")
    signed = {"Authorization": f"Bearer {given['access_token']}"}
    assert httpx.get(f"{stripe.url}/v1/account", headers=signed).status_code == 200
    stripe.revoke()
    answer = httpx.get(f"{stripe.url}/v1/account", headers=signed)
    assert error(answer)[1]["code"] == "account_invalid"


def test_everything_survives_a_restart(stripe: Stripe, tmp_path: Path) -> None:
    stripe.live()
    stripe.save(tmp_path / "state")
    again = Stripe()
    again.load(tmp_path / "state")
    assert again.records("subscriptions") == stripe.records("subscriptions")
    assert again.account.events == stripe.account.events
    again.live()


def test_changes_at_random_are_told_and_impossible_ones_refused(stripe: Stripe) -> None:
    made = stripe.change("products", creates=2, updates=1, archives=1)
    assert [len(made[what]) for what in ("created", "updated", "archived")] == [2, 1, 1]
    with pytest.raises(ValueError, match="Nothing tells"):
        stripe.change("payment_intents", updates=1)
    with pytest.raises(KeyError):
        stripe.change("patrons", creates=1)
