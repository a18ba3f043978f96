"""What `up` prints."""

from pathlib import Path

from sync_platform.settings import Settings
from sync_platform.up.telling import Telling, secrets_of


def test_every_line_says_whose_it_is_and_shows_no_secret() -> None:
    settings = Settings(
        home=Path("home"),
        database_url="postgresql://sync:s%40cret-word@db/sync",
        keys=("the-newest-key", "an-old-key"),
        oauth_clients={"hubspot": ("client-id", "client-secret")},
        openid_client_secret="openid-secret",
    )
    written: list[str] = []
    telling = Telling(secrets_of(settings), written.append)
    telling.hear("web", "cannot connect to postgresql://sync:s%40cret-word@db/sync (s@cret-word)")
    telling.hear("daemon", "the-newest-key an-old-key client-secret openid-secret client-id")
    telling.say("Ready.\nIndeed.")
    assert written == [
        "web         | cannot connect to postgresql://sync:…@db/sync (…)\n",
        "daemon      | … … … … client-id\n",
        "up          | Ready.\n",
        "up          | Indeed.\n",
    ]


def test_a_password_of_few_letters_does_not_blot_out_words() -> None:
    settings = Settings(home=Path("home"), database_url="postgresql://sync:a@db/sync")
    written: list[str] = []
    Telling(secrets_of(settings), written.append).hear("web", "a word")
    assert written == ["web         | a word\n"]
