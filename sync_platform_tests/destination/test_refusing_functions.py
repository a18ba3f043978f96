"""What people's own functions raise, whatever it is, costs the row alone that they raise it for."""

import pytest

from sync_platform.destination.carefully import MOST_REFUSED
from sync_platform.engine.results import Counts
from sync_platform.errors import StoreUnavailable, SyncPlatformError
from sync_platform.spec import Field
from sync_platform_tests.destination.tables import full, load, loading, people, select

BAD = {"id": "bad", "email": "bad"}
IF_BAD = "IF NEW.email = 'bad' THEN {} END IF;"
RAISED = {  # by a trigger, and what is told
    "assert": (IF_BAD.format("ASSERT false, 'no such mail';"), "no such mail"),
    "strict": (
        "SELECT 1 INTO STRICT n FROM generate_series(1, 9) WHERE NEW.email <> 'bad' LIMIT 1;",
        "query returned no rows",
    ),
    "many": (
        "n := (SELECT 1 FROM generate_series(1, CASE NEW.email WHEN 'bad' THEN 2 ELSE 1 END));",
        "more than one row",
    ),
    "no table": (
        "PERFORM (CASE NEW.email WHEN 'bad' THEN 'nowhere' ELSE 'pg_class' END)::regclass;",
        'relation "nowhere" does not exist',
    ),
    "privilege": (IF_BAD.format("RAISE insufficient_privilege;"), "insufficient_privilege"),
    "own": (IF_BAD.format("RAISE 'not so' USING ERRCODE = 'ZZ001';"), "not so"),
    "undefined": (IF_BAD.format("RAISE 'not so' USING ERRCODE = 'undefined_column';"), "not so"),
    "not ready": (
        IF_BAD.format("RAISE 'not so' USING ERRCODE = 'object_not_in_prerequisite_state';"),
        "not so",
    ),
    "no value yet": (
        IF_BAD.format("CREATE TEMP SEQUENCE numbers; PERFORM currval('numbers');"),
        'currval of sequence "numbers" is not yet defined',
    ),
    "deep": (
        IF_BAD.format("RAISE 'not so' USING ERRCODE = 'statement_too_complex';"),
        "not so",
    ),
}
FUNCTION = """
    CREATE FUNCTION acme.f() RETURNS trigger LANGUAGE plpgsql AS
    $$ DECLARE n int; BEGIN {} RETURN NEW; END $$;
"""
BEFORE = (
    "CREATE TRIGGER t BEFORE INSERT OR UPDATE ON acme.contacts FOR EACH ROW"
    " EXECUTE FUNCTION acme.f()"
)
LATE = (
    "CREATE CONSTRAINT TRIGGER t AFTER INSERT OR UPDATE ON acme.contacts"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION acme.f()"
)
REASONS = "SELECT key, reason FROM acme._rejected"
PARENTS = """
    IF NEW.email IS NOT NULL THEN
        SELECT 1 INTO STRICT n FROM acme.contacts WHERE id = NEW.email;
    END IF;
"""


def build(url: str, *statements: str) -> None:
    """Onto contacts, which are there and empty."""
    with loading(url):
        pass
    for statement in statements:
        select(url, statement)


def expect_only_the_bad_one_rejected(url: str, said: str) -> None:
    rows = people(30)
    counts = load(url, *rows[:10], BAD, *rows[10:])
    assert counts == Counts(fetched=31, created=30, rejected=1)
    [(key, reason)] = select(url, REASONS)
    assert key == "bad"
    assert reason.startswith("Postgres would not take the row: ")
    assert said in reason
    changed = [row | {"age": 99} for row in rows[:5]]
    counts = full(url, *changed, *rows[5:], BAD, sync="f1")
    assert counts == Counts(fetched=31, updated=5, rejected=1)


@pytest.mark.parametrize("trigger", [BEFORE, LATE], ids=["at once", "late"])
@pytest.mark.parametrize(("body", "said"), RAISED.values(), ids=RAISED)
def test_whatever_a_trigger_raises_refuses_its_row(
    database: str, body: str, said: str, trigger: str
) -> None:
    build(database, FUNCTION.format(body), trigger)
    expect_only_the_bad_one_rejected(database, said)


CALLED = {
    "check": "ALTER TABLE acme.contacts ADD CHECK (acme.g(email) IS NOT NULL)",
    "computed": "ALTER TABLE acme.contacts ADD g int GENERATED ALWAYS AS (acme.g(email)) STORED",
    "index": "CREATE INDEX ON acme.contacts (acme.g(email))",
}
LANGUAGES = {
    "sql": "sql IMMUTABLE AS $$ SELECT count(*)::int FROM pg_class WHERE oid ="
    " CASE it WHEN 'bad' THEN 'nowhere'::text ELSE 'pg_class' END::regclass LIMIT 1 $$",
    "plpgsql": "plpgsql IMMUTABLE AS $$ BEGIN IF it = 'bad' THEN RAISE 'does not exist'"
    " USING ERRCODE = 'ZZ001'; END IF; RETURN 1; END $$",
}


@pytest.mark.parametrize("called", CALLED.values(), ids=CALLED)
@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_so_does_what_a_function_raises_that_a_column_or_rule_is_computed_by(
    database: str, language: str, called: str
) -> None:
    function = f"CREATE FUNCTION acme.g(it text) RETURNS int LANGUAGE {language}"
    build(database, function, called)
    expect_only_the_bad_one_rejected(database, "does not exist")


def test_a_mark_that_a_function_refuses_costs_its_row_alone(database: str) -> None:
    load(database, *people(10))
    select(database, FUNCTION.format("ASSERT NEW.id <> '7' OR NEW._deleted_at IS NULL;"))
    select(database, BEFORE)
    assert load(database, gone=["6", "7"], sync="s2") == Counts(fetched=1, deleted=1, rejected=1)
    assert full(database, *people(5), sync="f1").deleted == 3
    assert select(database, "SELECT key FROM acme._rejected") == ["7"]


def test_rows_that_a_trigger_wants_to_come_first_may_come_later(database: str) -> None:
    build(database, FUNCTION.format(PARENTS), BEFORE)
    rows = [{"id": str(n), "email": str(n + 1)} for n in range(60)]
    counts = load(database, *rows, {"id": "bad", "email": "nobody"}, {"id": "60"})
    assert counts == Counts(fetched=62, created=61, rejected=1)


def test_a_policy_refuses_its_row(limited_database: str) -> None:
    build(
        limited_database,
        "ALTER TABLE acme.contacts ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE acme.contacts FORCE ROW LEVEL SECURITY",
        "CREATE POLICY p ON acme.contacts USING (true) WITH CHECK (email <> 'bad')",
    )
    expect_only_the_bad_one_rejected(limited_database, "row-level security policy")


def test_a_function_that_raises_for_every_row_fails_the_sync(database: str) -> None:
    build(database, FUNCTION.format("PERFORM 'nowhere'::regclass;"), BEFORE)
    with pytest.raises(SyncPlatformError, match='"nowhere" does not exist'):
        load(database, *people(MOST_REFUSED + 1))
    assert select(database, REASONS) == []


def test_an_outage_that_a_function_meets_is_an_outage(database: str) -> None:
    build(
        database,
        FUNCTION.format(IF_BAD.format("RAISE 'the other server is away' USING ERRCODE = '08001';")),
        BEFORE,
    )
    with pytest.raises(StoreUnavailable):
        load(database, *people(3), BAD)
    assert select(database, REASONS) == []


def test_a_right_that_we_do_not_have_refuses_no_row(limited_database: str) -> None:
    build(limited_database, "REVOKE INSERT ON acme.contacts FROM CURRENT_USER")
    with pytest.raises(SyncPlatformError, match="permission denied"):
        load(limited_database, *people(3), fields=(Field("id"), Field("email", label="Email")))
    assert select(limited_database, REASONS) == []
