"""What every connector is held to against its sandbox vendor: the list, which the modules beside
this one fill, a subject each.

A behaviour's docstring is its line on the scorecard. `needs` names what must be declared for it, in
`Vouched`, on the object or of the sign-in; a connector that lacks it says in `not_offered` why.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sync_platform_tests.contract.conformance.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One behaviour: `part` is its heading on the scorecard. One that is `timed` is tried with the
    limits of both sides, by a clock that moves only when somebody waits."""

    name: str
    title: str
    part: str
    holds: Callable[[Stage], None]
    needs: str = ""
    timed: bool = False


BEHAVIOURS: list[Behaviour] = []


def behaviour(
    part: str, needs: str = "", *, timed: bool = False
) -> Callable[[Callable[[Stage], None]], None]:
    """Take a function into the list."""

    def taken(holds: Callable[[Stage], None]) -> None:
        title = " ".join((holds.__doc__ or "").split())
        assert title, holds.__name__
        name = holds.__name__
        it = Behaviour(name=name, title=title, part=part, holds=holds, needs=needs, timed=timed)
        BEHAVIOURS.append(it)

    return taken
