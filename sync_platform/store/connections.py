"""The connections: who is connected, what of it is synced, and whether it may sync by itself."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Update, case, delete, func, select, update
from sqlalchemy import Connection as Transaction
from sqlalchemy.dialects.postgresql import insert

from sync_platform.engine.connections import (
    Connection,
    ConnectionStatus,
    checked_name,
    checked_schema,
)
from sync_platform.engine.ports import Clock, ObjectChoice
from sync_platform.engine.results import Target
from sync_platform.errors import ConfigurationError, UnknownConnection, UnknownObject
from sync_platform.store.database import Database
from sync_platform.store.storable import storable, text
from sync_platform.store.tables import connection_objects, connections, quotas

Found = list[Connection]


class Connections:
    """The connections, in the store. Whoever names one that is not there gets UnknownConnection;
    every method raises StoreUnavailable where the store cannot be reached."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Without a clock, the database's is used."""
        self._database = database
        self._clock = clock

    def register(self, connection: Connection) -> Connection:
        """Keep a new connection and its choices; gives it back with `created_at`.

        Raises ConfigurationError where its name or its schema is taken or cannot be.
        """
        checked_name(connection.name)
        checked_schema(connection.schema)
        with self._database.transaction() as transaction:
            made = transaction.execute(
                insert(connections)
                .values(
                    name=connection.name,
                    connector=connection.connector,
                    schema=connection.schema,
                    status=connection.status.value,
                    status_reason=connection.status_reason,
                    base_url=connection.base_url,
                    settings=storable(connection.settings),
                    interval=connection.interval,
                    account_id=connection.account_id,
                    label=connection.label,
                    created_at=connection.created_at or self._now(),
                )
                .on_conflict_do_nothing()
                .returning(connections.c.name)
            ).first()
            if made is None:
                raise self._taken(transaction, connection)
            _choose(transaction, connection.name, connection.objects)
            return _found(transaction, connections.c.name == connection.name)[0]

    def get(self, name: str) -> Connection:
        """The connection of that name."""
        with self._database.statement() as reading:
            for connection in _found(reading, connections.c.name == name):
                return connection
            raise _unknown(reading, name)

    def list(self, connector: str | None = None) -> Found:
        """All connections (of one connector), by name."""
        condition = connections.c.connector == connector if connector is not None else None
        with self._database.transaction() as transaction:
            return _found(transaction, condition)

    def choose_objects(self, name: str, choices: Sequence[ObjectChoice]) -> None:
        """Sync these objects, so, and no others. Cursors and tables of the others stay."""
        with self._database.transaction() as transaction:
            locked = select(connections.c.name).where(connections.c.name == name)
            if transaction.execute(locked.with_for_update()).first() is None:
                raise _unknown(transaction, name)
            _choose(transaction, name, choices)

    def set_interval(self, name: str, interval: timedelta | None) -> None:
        """How often it syncs; None: the connector's default."""
        self._change(name, interval=interval)

    def set_settings(self, name: str, settings: Mapping[str, str]) -> None:
        """Its settings, all of them."""
        self._change(name, settings=storable(settings))

    def set_base_url(self, name: str, base_url: str | None) -> None:
        """Where its API is; None: where the connector says."""
        self._change(name, base_url=base_url)

    def set_label(self, name: str, label: str | None) -> None:
        """What people call it; None: by its name."""
        self._change(name, label=None if label is None else text(label))

    def set_account(self, name: str, account_id: str | None) -> None:
        """Whose account it is, as the vendor names it."""
        self._change(name, account_id=account_id)

    def pause(self, name: str, reason: str) -> None:
        """No automatic syncs until it is resumed; `reason` is a sentence for people."""
        self._change(name, status=ConnectionStatus.PAUSED.value, status_reason=text(reason))

    def flag(self, name: str, status: ConnectionStatus, reason: str) -> None:
        """It needs a person, and why. One that a person paused stays paused: resuming a flag must
        not undo that."""
        self._change(
            name,
            status=_unless_paused(connections.c.status, status.value),
            status_reason=_unless_paused(connections.c.status_reason, text(reason)),
        )

    def resume(self, name: str) -> None:
        """It may sync by itself again; failures from before no longer count."""
        self._change(
            name,
            status=ConnectionStatus.ACTIVE.value,
            status_reason=None,
            resumed_at=self._now(),
        )

    def resume_object(self, name: str, object: str) -> None:
        """One object may sync by itself again. Raises UnknownObject where it is not chosen."""
        changed = (
            update(connection_objects)
            .filter_by(connection=name, object=object)
            .values(resumed_at=self._now())
            .returning(connection_objects.c.object)
        )
        with self._database.transaction() as transaction:
            if transaction.execute(changed).first() is None:
                for connection in _found(transaction, connections.c.name == name):
                    chosen = ", ".join(each.object for each in connection.objects) or "nothing yet"
                    raise UnknownObject(
                        f"{name} does not sync an object {object!r}. Chosen are: {chosen}."
                    )
                raise _unknown(transaction, name)

    def resumed_at(self, target: Target) -> datetime | None:
        """When the object or its connection was last resumed, whichever is later; or None."""
        with self._database.statement() as reading:
            return reading.scalar(
                select(func.greatest(connections.c.resumed_at, connection_objects.c.resumed_at))
                .select_from(connections)
                .outerjoin(
                    connection_objects,
                    (connection_objects.c.connection == connections.c.name)
                    & (connection_objects.c.object == target.object),
                )
                .where(connections.c.name == target.connection)
            )

    def remove(self, name: str) -> None:
        """Forget it: its secrets, cursors, catalogs and history too. Its data tables stay."""
        with self._database.transaction() as transaction:
            gone = delete(connections).where(connections.c.name == name)
            if transaction.execute(gone.returning(connections.c.name)).first() is None:
                raise _unknown(transaction, name)
            transaction.execute(delete(quotas).where(quotas.c.connection == name))

    def _change(self, name: str, **values: Any) -> None:
        changed: Update = update(connections).where(connections.c.name == name).values(**values)
        with self._database.transaction() as transaction:
            if transaction.execute(changed.returning(connections.c.name)).first() is None:
                raise _unknown(transaction, name)

    def _now(self) -> Any:
        return self._clock.now() if self._clock else func.clock_timestamp()

    def _taken(self, transaction: Transaction, wanted: Connection) -> ConfigurationError:
        query = select(connections.c.name).where(connections.c.schema == wanted.schema)
        owner = transaction.scalar(query)
        if owner is not None and owner != wanted.name:
            return ConfigurationError(
                f"The schema {wanted.schema!r} holds the tables of {owner!r} already. Choose "
                f"another schema for {wanted.name!r}."
            )
        return ConfigurationError(
            f"There is a connection {wanted.name!r} already. Choose another name, or remove that "
            "one first."
        )


def _unless_paused(column: ColumnElement[Any], value: str) -> ColumnElement[Any]:
    paused = connections.c.status == ConnectionStatus.PAUSED.value
    return case((paused, column), else_=value)


def _choose(transaction: Transaction, name: str, choices: Sequence[ObjectChoice]) -> None:
    table = connection_objects.c
    kept = [each.object for each in choices]
    transaction.execute(
        delete(connection_objects).where(table.connection == name, table.object.not_in(kept))
    )
    if not choices:
        return
    offered = insert(connection_objects)
    transaction.execute(
        offered.on_conflict_do_update(
            index_elements=["connection", "object"],
            set_={each: offered.excluded[each] for each in ("position", "interval", "filters")},
        ),
        [
            {
                "connection": name,
                "object": each.object,
                "position": position,
                "interval": each.interval,
                "filters": storable(each.filters),
            }
            for position, each in enumerate(choices)
        ],
    )


def _found(transaction: Transaction, condition: ColumnElement[bool] | None) -> Found:
    wanted = select(connections).order_by(connections.c.name)
    chosen = select(connection_objects).order_by(connection_objects.c.position)
    if condition is not None:
        wanted = wanted.where(condition)
        names = select(connections.c.name).where(condition)
        chosen = chosen.where(connection_objects.c.connection.in_(names))
    rows = transaction.execute(wanted).mappings().all()
    choices: dict[str, list[ObjectChoice]] = {}
    for each in transaction.execute(chosen):
        choices.setdefault(each.connection, []).append(
            ObjectChoice(object=each.object, interval=each.interval, filters=each.filters)
        )
    return [_connection(row, choices.get(row["name"], ())) for row in rows]


def _connection(row: RowMapping, choices: Iterable[ObjectChoice]) -> Connection:
    values = {name: value for name, value in row.items() if name != "resumed_at"}
    values |= {"status": ConnectionStatus(row["status"]), "objects": tuple(choices)}
    return Connection(**values)


def _unknown(transaction: Transaction, name: str) -> UnknownConnection:
    known = transaction.scalars(select(connections.c.name).order_by(connections.c.name)).all()
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        hint = f"Did you mean {' or '.join(close)}?"
    elif known:
        more = f" and {len(known) - 10} more" if len(known) > 10 else ""
        hint = f"There are: {', '.join(known[:10])}{more}."
    else:
        hint = "There are none yet."
    return UnknownConnection(f"There is no connection {name!r}. {hint}")
