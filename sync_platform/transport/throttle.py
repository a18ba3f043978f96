"""Keeps a connection within its vendor's rate limits, together with all other processes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import translate
from threading import Event, Lock
from time import monotonic

from sync_platform.engine.ports import Budget, Clock, Quotas
from sync_platform.errors import ConfigurationError, RateLimited, VendorUnavailable
from sync_platform.spec import RateLimit
from sync_platform.transport.clock import pause
from sync_platform.transport.pace import asked_to_wait, until_reset

LONGEST_WAIT = 600.0  # seconds: a sync that had to wait longer fails, and goes on another time
BLOCK = (1.0, 60.0)  # seconds: the least and the most for a 429 that does not say how long
ROLLING = 60.0  # seconds: windows up to this are kept to the call, wherever they begin
TOLD_EVERY = 30.0  # seconds between two looks at what is left, while much is
MUCH = 0.2  # of a limit's calls
AT_ONCE = 0.1  # the share of such a window's calls that may be made without a pause


class RateLimiter:
    """The limits of one connection, for one HttpApi, which closes it. Threads may share it.

    What may be called is counted in `quotas`. `reserve` (0 to 1) is the share of each limit that
    is kept for urgent calls. A setting `rate_limit.<name>` replaces the calls of a limit, "0" or
    "unlimited" lifts it; raises ConfigurationError where it is anything else.
    """

    def __init__(
        self,
        connection: str,
        limits: Sequence[RateLimit],
        quotas: Quotas,
        clock: Clock,
        settings: Mapping[str, str] | None = None,
        reserve: float = 0.1,
    ) -> None:
        self._connection, self._quotas, self._clock = connection, quotas, clock
        self._reserve = reserve
        self._closed = Event()
        self._lock = Lock()
        self._blocked: dict[str, datetime] = {}  # until when, by the budget's name
        self._limits: list[tuple[RateLimit, re.Pattern[str]]] = []
        self._calls: dict[str, float] = {}
        self._fixed: set[str] = set()  # limits whose calls a person has set
        self._heard: set[str] = set()  # limits whose calls the vendor has told
        self._told_at: dict[str, float] = {}
        for limit in limits:
            calls = _calls(limit, connection, settings or {})
            if calls is not None:
                self._limits.append((limit, _pattern(limit.path)))
                self._calls[limit.name] = calls
            if f"rate_limit.{limit.name}" in (settings or {}):
                self._fixed.add(limit.name)

    def wait(
        self, path: str, *, urgent: bool = False, waiting: Callable[[], None] = lambda: None
    ) -> None:
        """Take a call to `path` out of every limit it counts for, and wait until it may be made;
        `waiting` is called before it has to.

        Raises RateLimited where that is more than ten minutes away, VendorUnavailable when closed.
        """
        budgets = [budget for _, budget in self._matching(path)]
        if not budgets:
            return
        blocked = self._blocked_until(budgets)
        reserve = 0.0 if urgent else self._reserve
        seconds = self._quotas.take(self._connection, budgets, reserve=reserve)
        if seconds > 0:
            waiting()
        self._pause(seconds)
        while (later := self._blocked_until(budgets)) and later != blocked:  # by another thread
            blocked = later
            waiting()
            self._pause((later - self._clock.now()).total_seconds())

    def _pause(self, seconds: float) -> None:
        if seconds > LONGEST_WAIT:
            raise RateLimited(
                f"{self._connection} has used up the calls that its vendor allows. It goes on by "
                f"itself in {seconds / 60:,.0f} minutes.",
                retry_after=seconds,
            )
        if not pause(self._clock, seconds, self._closed):
            raise VendorUnavailable(
                f"A call of {self._connection} was given up, because its sync ended."
            )

    def _blocked_until(self, budgets: Sequence[Budget]) -> datetime | None:
        with self._lock:
            moments = [self._blocked.get(budget.name) for budget in budgets]
        return max((it for it in moments if it is not None), default=None)

    def heed(self, path: str, headers: Mapping[str, str], *, limited: bool) -> float | None:
        """Stop all calls like this one for as long as the answer says; the seconds, if any.

        `limited`: it was refused for calling too often. If it does not say how long, that counts as
        the shortest window of the limits it may be of.
        """
        now = self._clock.now()
        matching = self._matching(path)
        seconds = until_reset(headers, now)
        if limited:
            asked = asked_to_wait(headers, now)
            given = (it for it in (asked, seconds) if it is not None)
            seconds = next(given, self._unsaid([limit for limit, _ in matching]))
        if seconds and matching:
            self._quotas.block(self._connection, [budget for _, budget in matching], seconds)
            until = now + timedelta(seconds=seconds)
            with self._lock:
                for _, budget in matching:
                    self._blocked[budget.name] = max(until, self._blocked.get(budget.name, until))
        for limit, budget in matching:
            self._listen(limit, budget, headers)
        return seconds

    def _unsaid(self, limits: Sequence[RateLimit]) -> float:
        """How long to wait after a 429 that does not say."""
        least, most = BLOCK
        penalties = [it.penalty for it in limits if it.penalty is not None]
        window = min((it.seconds for it in limits), default=least)
        return max(penalties) if penalties else min(max(least, window), most)

    def _listen(self, limit: RateLimit, budget: Budget, headers: Mapping[str, str]) -> None:
        """Keep to what the answer says is left, if it says; others may call on the same account."""
        told = limit.told(headers) if limit.told is not None else None
        if told is None:
            return
        if told.of and limit.name not in self._fixed:
            self._calls[limit.name] = told.of
            self._heard.add(limit.name)
            budget = replace(_budget(limit, told.of), name=budget.name)
        much = told.left > MUCH * (told.of or limit.calls)
        since = monotonic() - self._told_at.get(budget.name, float("-inf"))
        if not much or since >= TOLD_EVERY:
            self._told_at[budget.name] = monotonic()
            self._quotas.lower(self._connection, budget, told.left)

    def close(self) -> None:
        """Wake whatever waits here, which then raises."""
        self._closed.set()

    def _matching(self, path: str) -> list[tuple[RateLimit, Budget]]:
        found = []
        for limit, pattern in self._limits:
            if fits := pattern.fullmatch(path):
                budget = _budget(limit, self._calls[limit.name])
                if fits.groups():
                    budget = replace(budget, name=f"{limit.name}:{fits[1]}")
                if limit.told and limit.name not in self._fixed | self._heard:
                    budget = replace(budget, declared=True)
                found.append((limit, budget))
        return found


def _pattern(path: str) -> re.Pattern[str]:
    """A glob in which "{}" stands for one part of the path."""
    before, each, after = path.partition("{}")
    if not each:
        return re.compile(translate(path))
    return re.compile(f"{_glob(before)}([^/]+){_glob(after)}", re.DOTALL)


def _glob(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))


def _budget(limit: RateLimit, calls: float) -> Budget:
    """The bucket that keeps to the limit.

    A bucket of all the calls, refilled meanwhile, would let nearly twice as many through in one
    window, and HubSpot counts over rolling ones. So it holds a tenth of them, and fills as fast as
    keeps any window below one call too many. Longer windows (a day) mostly begin at fixed times:
    there the whole may be used at once.
    """
    if limit.seconds > ROLLING:
        return Budget(name=limit.name, calls=calls, seconds=limit.seconds)
    held = max(1, int(calls * AT_ONCE))
    filling = (calls - held + 0.5) / limit.seconds  # half a call: calls arrive unevenly
    return Budget(name=limit.name, calls=held, seconds=held / filling)


def _calls(limit: RateLimit, connection: str, settings: Mapping[str, str]) -> int | None:
    """How many calls the limit allows on this connection; None: as many as one likes."""
    name = f"rate_limit.{limit.name}"
    text = str(settings.get(name, limit.calls)).strip().lower()
    if text in ("0", "unlimited"):
        return None
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise ConfigurationError(
        f"The setting {name} of {connection} is {settings[name]!r}. It must be a whole number of "
        f"calls in {limit.seconds:g} seconds, or 'unlimited'."
    )
