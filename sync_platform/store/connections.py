"""The connections: who is connected, what of it is synced, and whether it may sync by itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from psycopg.sql import SQL, Composable
from psycopg.types.json import Jsonb

from sync_platform.engine.connections import (
    Connection,
    ConnectionStatus,
    checked_name,
    checked_schema,
)
from sync_platform.engine.ports import Clock, ObjectChoice
from sync_platform.engine.results import Target
from sync_platform.errors import ConfigurationError, Refused, UnknownConnection, UnknownObject
from sync_platform.store.database import Database
from sync_platform.store.pool import Session
from sync_platform.store.removing import removed
from sync_platform.store.statements import assignments
from sync_platform.store.storable import as_given, text

Found = list[Connection]

REGISTER = """
    INSERT INTO sync_platform.connections
        (name, connector, schema, status, status_reason, base_url, settings, interval,
         account_id, label, created_at)
    VALUES
        (%(name)s, %(connector)s, %(schema)s, %(status)s, %(status_reason)s, %(base_url)s,
         %(settings)s, %(interval)s, %(account_id)s, %(label)s,
         coalesce(%(created_at)s, clock_timestamp()))
    ON CONFLICT DO NOTHING
"""
FIND = """
    SELECT name, connector, schema, status, status_reason, base_url, settings, interval,
           account_id, created_at, coalesce(resumed_at, created_at) AS allowed_since, label
    FROM sync_platform.connections
    WHERE (%(name)s::text IS NULL OR name = %(name)s)
      AND (%(connector)s::text IS NULL OR connector = %(connector)s)
    ORDER BY name
"""
CHOOSE = """
    INSERT INTO sync_platform.connection_objects
        (connection, object, position, interval, filters, chosen_at)
    VALUES
        (%(connection)s, %(object)s, %(position)s, %(interval)s, %(filters)s,
         CASE WHEN %(later)s THEN coalesce(%(now)s, clock_timestamp()) END)
    ON CONFLICT (connection, object) DO UPDATE SET
        position = excluded.position, interval = excluded.interval, filters = excluded.filters
"""
FORGET = """
    DELETE FROM sync_platform.cursors WHERE connection = %s AND object = ANY(%s::text[])
"""
AGAIN = """
    SELECT whole.base_url, whole.settings, whole.account_id, whole.status, whole.status_reason,
           coalesce(whole.resumed_at, whole.created_at) AS allowed_since,
           one.object, one.interval, one.filters
    FROM sync_platform.connections AS whole
    LEFT JOIN sync_platform.connection_objects AS one
        ON one.connection = whole.name AND one.object = %s
    WHERE whole.name = %s AND whole.created_at = %s
"""
# A person's pause stays, and so does the need of a new sign-in beside a lesser one. A sign-in that
# was made anew since is not the one that was refused.
FLAGGED = SQL("""
    (status, status_reason) = (
        SELECT CASE WHEN stays THEN status ELSE %(status)s END,
               CASE WHEN stays THEN status_reason ELSE %(reason)s END
        FROM (
            SELECT status = 'paused' OR status = 'needs_reauth' AND NOT %(reauth)s
                OR %(reauth)s AND coalesce(resumed_at, created_at) <> %(since)s
        ) AS it (stays)
    )
""")
UNFLAG = """
    UPDATE sync_platform.connections SET status = 'active', status_reason = NULL
    WHERE name = %s AND status = %s AND status_reason IS NOT DISTINCT FROM %s
"""
EXPLAIN = """
    UPDATE sync_platform.connections SET status_reason = %s
    WHERE name = %s AND status = %s AND status_reason IS NOT DISTINCT FROM %s
"""
RESUMED = SQL("""
    status = 'active', status_reason = NULL, resumed_at = coalesce(%(now)s, clock_timestamp())
""")


class Connections:
    """The connections, in the store. Whoever names one that is not there gets UnknownConnection;
    every method raises StoreUnavailable where the store cannot be reached."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Without a clock, the database's is used."""
        self._database = database
        self._clock = clock

    def register(self, connection: Connection) -> Connection:
        """Keep a new connection and its choices; gives it back with `created_at`.

        Raises ConfigurationError where its name or its schema is taken or cannot be, or a setting
        cannot be kept; Refused for such a filter.
        """
        checked_name(connection.name)
        checked_schema(connection.schema)
        settings = as_given(connection.settings, "setting", ConfigurationError)
        with self._database.transaction() as session:
            made = session.execute(
                REGISTER,
                {
                    "name": connection.name,
                    "connector": connection.connector,
                    "schema": connection.schema,
                    "status": connection.status.value,
                    "status_reason": connection.status_reason,
                    "base_url": connection.base_url,
                    "settings": Jsonb(settings),
                    "interval": connection.interval,
                    "account_id": connection.account_id,
                    "label": connection.label,
                    "created_at": connection.created_at or self._now(),
                },
            )
            if not made.rowcount:
                raise self._taken(session, connection)
            _choose(session, connection.name, connection.objects)
            return _found(session, name=connection.name)[0]

    def get(self, name: str) -> Connection:
        """The connection of that name."""
        with self._database.statement() as session:
            for connection in _found(session, name=name):
                return connection
            raise _unknown(session, name)

    def again(self, connection: Connection, object: str) -> Connection:
        """The connection as its object is read by now: address, settings, account, status, since
        when it may sync, and how this one object is chosen; the rest as it is given. Raises
        UnknownConnection where it is gone, also where another one has its name by now."""
        asked = object, connection.name, connection.created_at
        with self._database.statement() as session:
            row = session.execute(AGAIN, asked).fetchone()
        if row is None:
            raise UnknownConnection(f"{connection.name} has been removed meanwhile.")
        choice = {it: row.pop(it) for it in ("object", "interval", "filters")}
        chosen = () if choice["object"] is None else (ObjectChoice(**choice),)
        status = ConnectionStatus(row.pop("status"))
        return replace(connection, **row, status=status, objects=chosen)

    def owner(self, schema: str) -> str | None:
        """The connection whose tables are in a schema; None where there is none (any more)."""
        with self._database.statement() as session:
            return _owner(session, schema)

    def list(self, connector: str | None = None) -> Found:
        """All connections (of one connector), by name."""
        with self._database.transaction() as session:
            return _found(session, connector=connector)

    def choose_objects(self, name: str, choices: Sequence[ObjectChoice]) -> None:
        """Sync these objects, so, and no others; the tables of the others stay.

        Only what was chosen before with the same filters keeps its cursor. What is chosen anew,
        filtered otherwise or no longer chosen is read from the beginning the next time: its cursor
        tells nothing of records that the filters of then left out. Raises Refused for a filter that
        cannot be kept.
        """
        self.choose_anew(name, lambda connection: choices)

    def choose_anew(
        self, name: str, choose: Callable[[Connection], Sequence[ObjectChoice]]
    ) -> None:
        """As `choose_objects`, with the choices that `choose` makes of the connection: nobody else
        changes it until they are kept."""
        with self._database.transaction() as session:
            locked = session.execute(
                "SELECT name FROM sync_platform.connections WHERE name = %s FOR UPDATE", (name,)
            )
            if not locked.rowcount:
                raise _unknown(session, name)
            found = _found(session, name=name)[0]
            choices = choose(found)
            before = {it.object: it.filters for it in found.objects}
            now = {each.object: dict(each.filters) for each in choices}
            others = [it for it in before | now if before.get(it) != now.get(it)]
            session.execute(FORGET, (name, others))
            _choose(session, name, choices, later=True, now=self._now())

    def set_interval(self, name: str, interval: timedelta | None) -> None:
        """How often it syncs; None: the connector's default."""
        self._set(name, interval=interval)

    def set_settings(self, name: str, settings: Mapping[str, str]) -> None:
        """Its settings, all of them. Raises ConfigurationError for one that cannot be kept."""
        self._set(name, settings=Jsonb(as_given(settings, "setting", ConfigurationError)))

    def set_base_url(self, name: str, base_url: str | None) -> None:
        """Where its API is; None: where the connector says."""
        self._set(name, base_url=base_url)

    def set_label(self, name: str, label: str | None) -> None:
        """What people call it; None: by its name."""
        self._set(name, label=None if label is None else text(label))

    def set_account(self, name: str, account_id: str | None) -> None:
        """Whose account it is, as the vendor names it. Of another account than was known everything
        is to be read: in the same transaction all cursors are forgotten, whatever is chosen."""
        with self._database.transaction() as session:
            known = session.execute(
                "SELECT account_id FROM sync_platform.connections WHERE name = %s FOR UPDATE",
                (name,),
            ).fetchone()
            if known is None:
                raise _unknown(session, name)
            session.execute(
                "UPDATE sync_platform.connections SET account_id = %s WHERE name = %s",
                (account_id, name),
            )
            if known["account_id"] not in (None, account_id):
                session.execute("DELETE FROM sync_platform.cursors WHERE connection = %s", (name,))

    def pause(self, name: str, reason: str) -> None:
        """No automatic syncs until it is resumed; `reason` is a sentence for people."""
        self._set(name, status=ConnectionStatus.PAUSED.value, status_reason=text(reason))

    def flag(
        self, name: str, status: ConnectionStatus, reason: str, *, since: datetime | None = None
    ) -> None:
        """It needs a person, and why. One that a person paused stays paused: resuming a flag must
        not undo that. One that needs a new sign-in goes on needing it, whatever else it needs.

        `since`: its `allowed_since` as it was read before the sign-in that was refused. Where that
        is another one by now, it was signed in anew or resumed, and needs no new sign-in for this.
        """
        reauth = status is ConnectionStatus.NEEDS_REAUTH
        values = {"status": status.value, "reason": text(reason), "reauth": reauth, "since": since}
        self._change(name, FLAGGED, **values)

    def explain(self, connection: Connection, reason: str) -> None:
        """Another reason for its status, if both are still the ones that are given."""
        known = connection.status.value, connection.status_reason
        with self._database.statement() as session:
            session.execute(EXPLAIN, (text(reason), connection.name, *known))

    def unflag(self, connection: Connection) -> None:
        """Nothing needs a person any more, if its flag is still the one that is given. Failures go
        on counting, and what was paused stays so: only who resumes it changes that."""
        flag = connection.status.value, connection.status_reason
        with self._database.statement() as session:
            session.execute(UNFLAG, (connection.name, *flag))

    def resume(self, name: str) -> None:
        """It may sync by itself again; failures from before no longer count."""
        self._change(name, RESUMED, now=self._now())

    def resume_object(self, name: str, object: str) -> None:
        """One object may sync by itself again. Raises UnknownObject where it is not chosen."""
        with self._database.transaction() as session:
            changed = session.execute(
                """
                UPDATE sync_platform.connection_objects
                SET resumed_at = coalesce(%(now)s, clock_timestamp())
                WHERE connection = %(connection)s AND object = %(object)s
                """,
                {"now": self._now(), "connection": name, "object": object},
            )
            if not changed.rowcount:
                for connection in _found(session, name=name):
                    chosen = ", ".join(each.object for each in connection.objects) or "nothing yet"
                    raise UnknownObject(
                        f"{name} does not sync an object {object!r}. Chosen are: {chosen}."
                    )
                raise _unknown(session, name)

    def resumed_at(self, target: Target) -> datetime | None:
        """When the object or its connection was last resumed, whichever is later; or None."""
        with self._database.statement() as session:
            row = session.execute(
                """
                SELECT greatest(whole.resumed_at, one.resumed_at, one.chosen_at) AS resumed_at
                FROM sync_platform.connections AS whole
                LEFT JOIN sync_platform.connection_objects AS one
                    ON one.connection = whole.name AND one.object = %s
                WHERE whole.name = %s
                """,
                (target.object, target.connection),
            ).fetchone()
        return row["resumed_at"] if row else None

    def remove(self, name: str, last: Callable[[], object] = lambda: None) -> None:
        """Forget it: its secrets, cursors, catalogs and history too. Its data tables stay, and
        whose data it is (see `left_schemas`). `last` is called once nobody renews its secret any
        more, and again with each try that it takes (see `removing`)."""
        if not removed(self._database, name, last):
            with self._database.statement() as session:
                raise _unknown(session, name)

    def _set(self, name: str, **values: Any) -> None:
        self._change(name, assignments(values), **values)

    def _change(self, name: str, changes: Composable, **values: Any) -> None:
        query = SQL("UPDATE sync_platform.connections SET {} WHERE name = %(name)s").format(changes)
        with self._database.transaction() as session:
            if not session.execute(query, {**values, "name": name}).rowcount:
                raise _unknown(session, name)

    def _now(self) -> datetime | None:
        """None: the database tells the time."""
        return self._clock.now() if self._clock else None

    def _taken(self, session: Session, wanted: Connection) -> ConfigurationError:
        owner = _owner(session, wanted.schema)
        if owner not in (None, wanted.name):
            return ConfigurationError(
                f"The schema {wanted.schema!r} holds the tables of {owner!r} already. "
                f"Choose another schema for {wanted.name!r}."
            )
        return ConfigurationError(
            f"There is a connection {wanted.name!r} already. Choose another name, or remove that "
            "one first."
        )


def _choose(
    session: Session,
    name: str,
    choices: Sequence[ObjectChoice],
    *,
    later: bool = False,
    now: datetime | None = None,
) -> None:
    """Exactly these are chosen. Those that are so `later` than their connection is there are told
    by the moment of it: `now`, or what the database says."""
    session.execute(
        "DELETE FROM sync_platform.connection_objects"
        " WHERE connection = %s AND object <> ALL(%s::text[])",
        (name, [each.object for each in choices]),
    )
    session.cursor().executemany(
        CHOOSE,
        [
            {
                "connection": name,
                "object": each.object,
                "position": position,
                "interval": each.interval,
                "filters": Jsonb(as_given(each.filters, "filter", Refused)),
                "later": later,
                "now": now,
            }
            for position, each in enumerate(choices)
        ],
    )


def _owner(session: Session, schema: str) -> str | None:
    row = session.execute(
        "SELECT name FROM sync_platform.connections WHERE schema = %s", (schema,)
    ).fetchone()
    return row["name"] if row else None


def _found(session: Session, *, name: str | None = None, connector: str | None = None) -> Found:
    rows = session.execute(FIND, {"name": name, "connector": connector}).fetchall()
    chosen = session.execute(
        """
        SELECT connection, object, interval, filters, chosen_at
        FROM sync_platform.connection_objects
        WHERE connection = ANY(%s::text[]) ORDER BY position
        """,
        ([row["name"] for row in rows],),
    )
    choices: dict[str, list[ObjectChoice]] = {}
    for each in chosen:
        choices.setdefault(each.pop("connection"), []).append(ObjectChoice(**each))
    return [_connection(row, choices.get(row["name"], ())) for row in rows]


def _connection(row: dict[str, Any], choices: Iterable[ObjectChoice]) -> Connection:
    status = ConnectionStatus(row["status"])
    return Connection(**row | {"status": status, "objects": tuple(choices)})


def _unknown(session: Session, name: str) -> UnknownConnection:
    rows = session.execute("SELECT name FROM sync_platform.connections ORDER BY name")
    known = [row["name"] for row in rows]
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        hint = f"Did you mean {' or '.join(close)}?"
    elif known:
        more = f" and {len(known) - 10} more" if len(known) > 10 else ""
        hint = f"There are: {', '.join(known[:10])}{more}."
    else:
        hint = "There are none yet."
    return UnknownConnection(f"There is no connection {name!r}. {hint}")
