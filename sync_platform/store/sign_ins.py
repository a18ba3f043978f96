"""Sign-ins in progress. States and browsers are kept as hashes, secrets encrypted; what is not
complete in time is swept away with its secrets."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from sync_platform.engine.ports import Secret
from sync_platform.engine.signing_in import STATE_LASTS, SignIn, SignInStatus
from sync_platform.errors import (
    ConfigurationError,
    Refused,
    StoreUnavailable,
    VendorUnavailable,
)
from sync_platform.spec import Account
from sync_platform.store.credentials import LOCK_TIMEOUT, PATIENTLY
from sync_platform.store.database import Database
from sync_platform.store.lock import Lock, Locked
from sync_platform.store.outlasting import outlasting
from sync_platform.store.pool import Session
from sync_platform.store.statements import assignments, inserting
from sync_platform.store.storable import as_given, text

SHOWN = """
    id, connector, connection, connection_created_at, again, status, redirect_uri, base_url,
    settings, objects, writing, account_id, account_name, error, begun_at, expires_at
"""
HELD = f"SELECT {SHOWN}, secret FROM sync_platform.sign_ins WHERE id = %s FOR UPDATE"
REPLACE = "UPDATE sync_platform.sign_ins SET secret = %s WHERE id = %s AND secret = %s"
# Whose hour is over; one that is being renewed is left to the next time.
SWEEP = """
    DELETE FROM sync_platform.sign_ins WHERE id IN (
        SELECT id FROM sync_platform.sign_ins WHERE expires_at <= %s FOR UPDATE SKIP LOCKED
    )
"""
NONE = (
    "There is no such sign-in in this browser (any more): it must be complete within an hour. "
    "Begin again."
)


class SignIns:
    """The sign-ins, in the store. Whoever asks for one must be the browser that began it; others,
    and those who come too late, get Refused. StoreUnavailable where the store is out of reach."""

    def __init__(self, database: Database, keys: Sequence[str]) -> None:
        """`keys`: Fernet keys, newest first. Raises ConfigurationError where one is none."""
        self._database = database
        self._lock = Lock(keys)
        self.locked = Locked(database, self._lock, "sign_ins", "id")

    def __repr__(self) -> str:
        return "SignIns(…)"

    def add(
        self, sign_in: SignIn, secret: Secret, *, browser: str, state: str | None = None
    ) -> None:
        """Keep a new one: with the state that it will come back with, or one that has its secret
        already. Raises ConfigurationError, as all here, for a setting that cannot be kept."""
        values = {
            "id": sign_in.id,
            "connector": sign_in.connector,
            "connection": sign_in.connection,
            "connection_created_at": sign_in.connection_created_at,
            "again": sign_in.again,
            "status": sign_in.status.value,
            "state_hash": _hash(state) if state is not None else None,
            "browser_hash": _hash(browser),
            "redirect_uri": sign_in.redirect_uri,
            "base_url": sign_in.base_url,
            "settings": _settings(sign_in.settings),
            "objects": list(sign_in.objects) if sign_in.objects is not None else None,
            "writing": sign_in.writing,
            "secret": self._lock.close(secret),
            **_account(sign_in.account),
            "begun_at": sign_in.begun_at,
            "expires_at": sign_in.expires_at,
        }
        with self._database.statement() as session:
            session.execute(inserting("sign_ins", values), values)

    def take(self, state: str, *, browser: str, now: datetime) -> tuple[SignIn, Secret]:
        """The sign-in that this state belongs to, and what was kept with it. It works once, and in
        the browser that began it; another gets nothing and changes nothing, or whoever sees an
        address on its way could end the sign-in."""
        with self._database.transaction() as session:
            row = session.execute(
                f"""
                UPDATE sync_platform.sign_ins SET state_hash = NULL
                WHERE state_hash = %s AND browser_hash = %s
                RETURNING {SHOWN}, secret
                """,
                (_hash(state), _hash(browser)),
            ).fetchone()
            if row is None:
                known = session.execute(
                    "SELECT id FROM sync_platform.sign_ins WHERE state_hash = %s", (_hash(state),)
                )
                elsewhere = known.fetchone() is not None
        if row is None and elsewhere:
            raise Refused(
                "This sign-in was begun in another browser, so nothing was connected here. Open "
                "the address in the browser that began it, or begin again in this one."
            )
        if row is None:
            raise Refused("This sign-in was used already, or never begun here. Begin again.")
        if now > row["begun_at"] + STATE_LASTS:
            self.fail(row["id"], "It took longer than ten minutes to come back.")
            raise Refused("This sign-in took longer than ten minutes. Begin again.")
        return _sign_in(row), self._opened(row)

    def begun(self, state: str, *, browser: str) -> SignIn | None:
        """The sign-in that this state belongs to, if this browser began it and it has not come
        back yet."""
        with self._database.statement() as session:
            row = session.execute(
                f"""
                SELECT {SHOWN} FROM sync_platform.sign_ins
                WHERE state_hash = %s AND browser_hash = %s
                """,
                (_hash(state), _hash(browser)),
            ).fetchone()
        return None if row is None else _sign_in(row)

    def get(self, id: str, *, browser: str, now: datetime) -> SignIn:
        """The sign-in, as it stands."""
        return _sign_in(self._row(id, browser, now))

    def open(self, id: str, *, browser: str, now: datetime) -> tuple[SignIn, Secret]:
        """The sign-in and its secret. Refused unless it is signed in and not complete yet."""
        return self._usable(self._row(id, browser, now))

    def rotate(self, id: str, refresh: Callable[[SignIn, Secret], Secret]) -> tuple[SignIn, Secret]:
        """The sign-in with the secret that `refresh` makes of it, one process at a time: it is
        given the one that is there once it is its turn, and what it gives is kept before anybody
        has it. What it raises goes on, and nothing is changed.

        Raises VendorUnavailable where others are at it for too long, and what `held` does.
        """
        fresh: Secret | None = None
        try:
            with self._database.apart() as session:  # it waits for a vendor: not in the pool
                session.execute(PATIENTLY)
                row = self._held(session, id)
                sign_in, secret = self._usable(row)
                fresh = refresh(sign_in, secret)
                if fresh != secret:
                    self._replace(session, row, fresh)
        except StoreUnavailable as error:
            if error.evidence.get("sqlstate") == LOCK_TIMEOUT:
                raise VendorUnavailable(
                    "This sign-in has been waiting to be renewed for long: the vendor does not "
                    "answer. Try again later."
                ) from error
            if fresh is None:
                raise
            outlasting(partial(self._keep, row, fresh))  # the vendor may have ended the one before
        return sign_in, fresh

    def held(self, id: str) -> Secret:
        """The secret as it stands; nobody else renews, completes or ends the sign-in until the
        transaction is over (`Database.together`). Refused where `open` does."""
        with self._database.transaction() as session:
            return self._usable(self._held(session, id))[1]

    def signed_in(self, sign_in: SignIn, secret: Secret) -> None:
        """The vendor gave credentials: they take the place of what was kept."""
        self._change(
            sign_in.id,
            status=SignInStatus.SIGNED_IN.value,
            settings=_settings(sign_in.settings),
            secret=self._lock.close(secret),
            **_account(sign_in.account),
        )

    def answered(self, id: str, settings: Mapping[str, str], account: Account | None) -> None:
        """What was chosen, and whose account that is."""
        self._change(id, settings=_settings(settings), **_account(account))

    def fail(self, id: str, error: str) -> None:
        """It ended; its secrets are gone."""
        self._change(
            id, status=SignInStatus.FAILED.value, error=text(error), secret=None, state_hash=None
        )

    def done(self, id: str, connection: str) -> None:
        """The connection has the secret now; here it is gone."""
        self._change(id, status=SignInStatus.DONE.value, connection=connection, secret=None)

    def sweep(self, now: datetime) -> int:
        """Forget those whose hour is over, and their secrets; how many there were."""
        with self._database.statement() as session:
            return session.execute(SWEEP, (now,)).rowcount

    def _row(self, id: str, browser: str, now: datetime) -> dict[str, Any]:
        with self._database.statement() as session:
            row = session.execute(
                f"""
                SELECT {SHOWN}, secret FROM sync_platform.sign_ins
                WHERE id = %(id)s AND browser_hash = %(browser)s AND expires_at > %(now)s
                """,
                {"id": id, "browser": _hash(browser), "now": now},
            ).fetchone()
        if row is None:
            raise Refused(NONE)
        return row

    def _held(self, session: Session, id: str) -> dict[str, Any]:
        row = session.execute(HELD, (id,)).fetchone()
        if row is None:
            raise Refused(NONE)
        return row

    def _keep(self, row: dict[str, Any], fresh: Secret) -> None:
        with self._database.statement() as session:
            self._replace(session, row, fresh)

    def _replace(self, session: Session, row: dict[str, Any], fresh: Secret) -> None:
        """In the place of the secret that the row had, if it still has it."""
        session.execute(REPLACE, (self._lock.close(fresh), row["id"], row["secret"]))

    def _usable(self, row: dict[str, Any]) -> tuple[SignIn, Secret]:
        if row["status"] != SignInStatus.SIGNED_IN.value or row["secret"] is None:
            told = {
                SignInStatus.BEGUN.value: "The vendor has not sent this sign-in back yet.",
                SignInStatus.DONE.value: "This sign-in is complete already.",
            }
            raise Refused(
                told.get(row["status"], f"This sign-in failed: {row['error'] or 'it has ended.'}")
            )
        return _sign_in(row), self._opened(row)

    def _opened(self, row: dict[str, Any]) -> Secret:
        return self._lock.open(row["secret"], "this sign-in", "begin again")

    def _change(self, id: str, **values: Any) -> None:
        change = SQL("UPDATE sync_platform.sign_ins SET {} WHERE id = %(id)s")
        with self._database.statement() as session:
            session.execute(change.format(assignments(values)), {"id": id, **values})


def _hash(value: str) -> bytes:
    """Of 32 random bytes: nothing slower is needed."""
    return hashlib.sha256(value.encode()).digest()


def _settings(settings: Mapping[str, str]) -> Jsonb:
    return Jsonb(as_given(settings, "setting", ConfigurationError))


def _account(account: Account | None) -> dict[str, str | None]:
    return {
        "account_id": text(account.id) if account else None,
        "account_name": text(account.name) if account else None,
    }


def _sign_in(row: dict[str, Any]) -> SignIn:
    known = row["account_id"]
    account = Account(id=known, name=row["account_name"] or "") if known else None
    return SignIn(
        id=row["id"],
        connector=row["connector"],
        connection=row["connection"],
        again=row["again"],
        status=SignInStatus(row["status"]),
        redirect_uri=row["redirect_uri"],
        base_url=row["base_url"],
        settings=row["settings"],
        objects=row["objects"],
        writing=row["writing"],
        account=account,
        error=row["error"],
        connection_created_at=row["connection_created_at"],
        begun_at=row["begun_at"],
        expires_at=row["expires_at"],
    )
