from hypothesis import given
from hypothesis import strategies as st

from sync_platform.destination.names import LONGEST, identifier, seen_name, snake


def test_names_become_snake_case() -> None:
    assert [
        snake(name)
        for name in (
            "firstName",
            "First Name",
            "first-name!",
            "HTTPServer",
            "Foo__c",
            "ID",
            "größe",
        )
    ] == ["first_name", "first_name", "first_name", "http_server", "foo__c", "id", "größe"]


def test_no_name_begins_with_an_underscore_or_a_digit() -> None:
    assert [snake(name) for name in ("_synced_at", "1st", "🎉", "", "\x00", "\ud800")] == [
        "x_synced_at",
        "n_1st",
        "x",
        "x",
        "x",
        "x",
    ]


def test_a_taken_name_gets_a_hash_of_the_exact_name() -> None:
    first = identifier("Email", {"email"})
    assert first != identifier("EMAIL", {"email"})
    assert first == identifier("Email", {"email"})
    assert first.startswith("email_")


def test_long_names_that_begin_alike_stay_apart() -> None:
    one, two = identifier("ä" * 80 + "1", set()), identifier("ä" * 80 + "2", set())
    assert one != two
    assert len(one.encode()) <= LONGEST
    assert seen_name(one) != seen_name(two)
    assert len(seen_name(one).encode()) <= LONGEST


@given(st.lists(st.text(), unique=True, max_size=20))
def test_every_name_gets_an_identifier_of_its_own(given_names: list[str]) -> None:
    taken: set[str] = set()
    for name in given_names:
        found = identifier(name, taken)
        assert found not in taken
        assert 0 < len(found.encode()) <= LONGEST
        assert not found.startswith("_")
        taken.add(found)
