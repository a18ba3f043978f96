"""What people type, as values; what makes no sense is a usage error."""

from datetime import UTC, datetime

import click

from sync_platform.engine.modes import SyncMode, SyncWindow


def asked_for(
    full: bool, since: str | None, until: str | None, computed: bool = False
) -> tuple[SyncMode, SyncWindow]:
    """Mode and window from the options; raises UsageError where they contradict each other."""
    if computed and (full or since or until):
        raise click.UsageError("--computed reads computed fields of all records; it stands alone.")
    if computed:
        return SyncMode.COMPUTED, SyncWindow()
    if full and (since or until):
        raise click.UsageError("--full reads everything; leave --since and --until out.")
    if until and not since:
        raise click.UsageError("--until needs --since.")
    if full:
        return SyncMode.FULL, SyncWindow()
    if since is None:
        return SyncMode.INCREMENTAL, SyncWindow()
    first = moment("--since", since)
    last = moment("--until", until) if until else None
    if last is not None and last <= first:
        raise click.UsageError(f"--until {until} is not after --since {since}.")
    return SyncMode.FROM_DATE, SyncWindow(first, last)


def moment(option: str, text: str) -> datetime:
    """A date or moment as typed; without a zone it is UTC. Raises UsageError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"{option} {text!r} is neither a date such as 2026-01-31 nor a moment such as "
            "2026-01-31T12:00."
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def names(text: str | None) -> list[str] | None:
    """Comma separated names; None where nothing was given."""
    return None if text is None else [each.strip() for each in text.split(",") if each.strip()]


def filters(typed: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """OBJECT.FILTER=VALUE each, as filters by object; an empty value takes the filter away (it is
    then not in the answer, but its object is). Raises UsageError."""
    found: dict[str, dict[str, str]] = {}
    for text in typed:
        place, equals, value = text.partition("=")
        object_name, dot, name = place.partition(".")
        if not (equals and dot and object_name and name):
            raise click.UsageError(f"--filter {text!r} is not OBJECT.FILTER=VALUE.")
        chosen = found.setdefault(object_name, {})
        if value:
            chosen[name] = value
    return found


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE as a pair; raises UsageError."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--setting {text!r} is not NAME=VALUE.")
    return name, value
