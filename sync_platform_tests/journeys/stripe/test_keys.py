"""Keys and sign-ins at Stripe, and changes that are sent with them."""

import pytest

from sync_platform import spec
from sync_platform.engine.connections import ConnectionStatus
from sync_platform.engine.ports import Secret
from sync_platform.errors import NeedsReauth, NotPermitted, RecordRejected
from sync_platform.platform import Platform
from sync_platform.sandbox.faults import Kind
from sync_platform.sandbox.stripe import Stripe
from sync_platform.settings import Settings
from sync_platform_tests.journeys.signed_in import NAME, call, signed_in, with_client
from sync_platform_tests.journeys.stripe.shop import ACME, sync


def test_a_key_that_was_rolled_stops_the_connection(platform: Platform, stripe: Stripe) -> None:
    stripe.tokens.clear()
    with pytest.raises(NeedsReauth):
        sync(platform, "customers")
    assert platform.connection(ACME).status is ConnectionStatus.NEEDS_REAUTH


def test_a_restricted_key_says_which_permission_it_lacks(
    platform: Platform, stripe: Stripe
) -> None:
    stripe.tokens.update(Stripe(tokens={"rk_test_products": ["rak_product_read"]}).tokens)
    platform.reconnect(ACME, Secret({"token": "rk_test_products"}))
    sync(platform, "products")
    with pytest.raises(NotPermitted, match="rak_customer_read"):
        sync(platform, "customers")


def test_the_account_is_known_by_its_id(platform: Platform) -> None:
    assert platform.connection(ACME).account_id == "acct_1NxUq2Acme000001"


def test_too_many_calls_are_waited_for(platform: Platform, stripe: Stripe) -> None:
    stripe.fail("status", status=429, times=2, path="/v1/customers")
    assert sync(platform, "customers").counts.created == 12


def test_a_card_that_is_declined_is_a_change_that_was_not_taken(
    platform: Platform, stripe: Stripe
) -> None:
    stripe.fail("status", status=402, path="/v1/customers")
    create = platform.connector("stripe")["customers"].create
    assert isinstance(create, spec.Request)
    api = platform.api(platform.connection(ACME))
    with pytest.raises(RecordRejected):
        api.send(create, spec.OutboundChange(kind="create", values={"name": "Zoë"}, id="1"))
    api.close()


@pytest.mark.parametrize("kind", ["reset", "cut", "malformed"])
def test_a_change_whose_answer_is_lost_is_made_once(
    platform: Platform, stripe: Stripe, kind: Kind
) -> None:
    create = platform.connector("stripe")["customers"].create
    assert isinstance(create, spec.Request)
    stripe.fail(kind, path="/v1/customers")
    api = platform.api(platform.connection(ACME))
    made = api.send(create, spec.OutboundChange(kind="create", values={"name": "Zoë"}, id="1"))
    api.close()
    assert [it for it, one in stripe.records("customers").items() if one["name"] == "Zoë"] == [
        made["id"]
    ]


class TestSignedIn:
    """Through Stripe Apps' OAuth, whose refresh tokens change with each use."""

    @pytest.fixture
    def settings(self, settings: Settings, stripe: Stripe) -> Settings:
        return with_client(settings, "stripe", stripe.oauth)

    def test_a_token_that_ends_is_renewed_once(self, platform: Platform, stripe: Stripe) -> None:
        signed_in(platform, "stripe", stripe.url, objects=("customers",))
        with stripe.lock:
            stripe.oauth.expire(stripe.clock())
        call(platform)
        call(platform)
        assert stripe.calls["POST", "/v1/oauth/token"] == 2  # the code's, and one renewal
        assert stripe.oauth.reused == 0

    def test_an_app_that_was_removed_needs_a_person(
        self, platform: Platform, stripe: Stripe
    ) -> None:
        signed_in(platform, "stripe", stripe.url, objects=("customers",))
        stripe.revoke()
        with pytest.raises(NeedsReauth):
            call(platform)
        assert platform.connection(NAME).connector == "stripe"
