"""Keeps processes running: starts them in order, starts again what died, stops all in the end."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol

from sync_platform.errors import Unexpected
from sync_platform.up.processes import Child, Hear

STOP_SECONDS = 15.0  # then all of a process's session are asked to end, and then killed


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process of the installation."""

    name: str
    arguments: Sequence[str]  # of `python -m`
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold passwords
    ready: Callable[[], bool] = lambda: True  # whether it does what it is for; answers soon
    after: Sequence[str] = ()  # parts that must be ready before it is started
    patience: float = STOP_SECONDS  # seconds that it may take to end when asked to


@dataclass(frozen=True, kw_only=True)
class Restarts:
    """How often a part that dies is started again, and after how many seconds."""

    most: int = 5  # in a row; the next death ends everything
    first_pause: float = 1.0
    longest_pause: float = 30.0
    healthy_after: float = 60.0  # who lived so long begins a new row

    def pause(self, deaths: int) -> float:
        """Before the start that follows the so-manieth death in a row."""
        return min(self.first_pause * 2.0 ** (deaths - 1), self.longest_pause)


class Watcher(Protocol):
    """Is told which sessions there are, to end them should this process be killed."""

    def began(self, session: int) -> None: ...

    def ended(self, session: int) -> None: ...


class _Running:
    """A part and how it fares."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.child: Child | None = None
        self.before: list[Child] = []  # died, but what they started may go on
        self.ready = False
        self.deaths = 0
        self.start_at = 0.0
        self.awaits_end = False  # it was asked to end, to be started anew


class Supervisor:
    """Some parts, kept running. All methods are for one thread; `check` is called now and then."""

    def __init__(
        self,
        *,
        hear: Hear,
        say: Callable[[str], None],
        restarts: Restarts | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """`hear` gets every line of every part; `say` what happens to the parts, in sentences."""
        self._hear, self._say = hear, say
        self._restarts = restarts or Restarts()
        self._watcher = watcher
        self._running: dict[str, _Running] = {}

    def add(self, *parts: Part) -> None:
        """Have these parts running, too: each is started as soon as what it needs is ready."""
        for part in parts:
            self._running[part.name] = _Running(part)
        self._start_what_may()

    def ready(self, name: str | None = None) -> bool:
        """Whether that part was ready at the last check since its latest start; without a name,
        whether all were."""
        chosen = [self._running[name]] if name else self._running.values()
        return all(each.ready for each in chosen)

    def check(self) -> None:
        """Look after every part once.

        Raises Unexpected, with the last that it said, if one has died too often.
        """
        for each in self._running.values():
            if each.child is None:
                continue
            code = each.child.exit_code()
            if code is not None:
                self._died(each, each.child, code)
            elif not each.ready:
                each.ready = each.part.ready()
            self._forget_the_gone(each)
        self._start_what_may()

    def restart(self, name: str) -> None:
        """Have a part end and start anew; not counted as a death."""
        each = self._running[name]
        if each.child is not None:
            each.awaits_end = True
            each.child.signal(signal.SIGTERM)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a part a signal."""
        child = self._running[name].child
        if child is not None:
            child.signal(number)

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop all parts, the last added first, with whatever they started."""
        for each in reversed(self._running.values()):
            children = [*each.before, *([each.child] if each.child else [])]
            if any(child.alive() for child in children):
                self._say(f"Stopping {each.part.name} …")
            for child in children:
                child.stop(each.part.patience, hurry)
                if self._watcher:
                    self._watcher.ended(child.session)
        self._running.clear()

    def _start_what_may(self) -> None:
        for each in self._running.values():
            needed = [self._running[name] for name in each.part.after if name in self._running]
            waits = each.deaths == 0 and not all(other.ready for other in needed)
            if each.child is None and not waits and monotonic() >= each.start_at:
                part = each.part
                each.child = Child(
                    part.name, part.arguments, env=part.env, cwd=part.cwd, hear=self._hear
                )
                if self._watcher:
                    self._watcher.began(each.child.session)

    def _died(self, each: _Running, child: Child, code: int) -> None:
        name, lived = each.part.name, monotonic() - child.began
        each.child, each.ready = None, False
        each.before.append(child)
        if each.awaits_end:
            each.awaits_end, each.start_at = False, 0.0
            return
        each.deaths = 1 if lived >= self._restarts.healthy_after else each.deaths + 1
        if each.deaths > self._restarts.most:
            said = "\n".join(f"  {line}" for line in child.last_lines()) or "  (nothing)"
            often = f" {each.deaths} times in a row" if each.deaths > 1 else ""
            raise Unexpected(f"{name} ended by itself{often} ({ending(code)}). It said:\n{said}")
        pause = self._restarts.pause(each.deaths)
        each.start_at = monotonic() + pause
        self._say(f"{name} ended by itself ({ending(code)}); it is started again in {pause:g} s.")

    def _forget_the_gone(self, each: _Running) -> None:
        for child in [child for child in each.before if not child.alive()]:
            each.before.remove(child)
            child.stop(0)  # gone already: this closes what is left of it here
            if self._watcher:
                self._watcher.ended(child.session)


def ending(code: int) -> str:
    """A process's end in words: `exit code 1`, `killed by SIGKILL`."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
