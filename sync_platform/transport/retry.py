"""When a call is made again: as the vendor asks, else after longer and longer random waits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sync_platform.errors import SyncPlatformError

if TYPE_CHECKING:
    from tenacity import RetryCallState

Given = TypeVar("Given")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often a call is tried and how long it may wait between tries; in seconds."""

    tries: int = 6
    shortest: float = 0.5  # the bound of the first random wait; it doubles with each
    longest: float = 60.0  # the bound that it never passes
    asked: float = 600.0  # a vendor that asks to wait longer is not waited for: the sync fails
    altogether: float = 900.0  # all the waits of one call


class Failed(Exception):
    """One try that failed. `again`: another may go better, and does no harm; `asked`: the seconds
    that the vendor says to wait before it."""

    def __init__(
        self, error: SyncPlatformError, *, again: bool, asked: float | None = None
    ) -> None:
        super().__init__(str(error))
        self.error, self.again, self.asked = error, again, asked


def patiently(
    call: Callable[[], Given], patience: Patience, sleep: Callable[[float], None]
) -> Given:
    """What `call` gives, tried anew while it raises a Failed that may be; then that one's error."""
    try:
        return call()  # nearly always that is all, and then what follows is not worth its time
    except Failed as failed:
        tried = [failed]
    from tenacity import Retrying, retry_if_exception, wait_random_exponential

    backoff = wait_random_exponential(multiplier=patience.shortest, max=patience.longest)

    def wait(state: "RetryCallState") -> float:
        return _asked(state) or backoff(state)

    def stop(state: "RetryCallState") -> bool:
        return (
            state.attempt_number >= patience.tries
            or _asked(state) > patience.asked
            or state.idle_for + state.upcoming_sleep > patience.altogether
        )

    def attempt() -> Given:
        if tried:
            raise tried.pop()
        return call()

    trying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Failed) and error.again),
        wait=wait,
        stop=stop,
        sleep=sleep,
        reraise=True,
    )
    try:
        return trying(attempt)
    except Failed as failed:
        failed.error.evidence["tries"] = trying.statistics["attempt_number"]
        raise failed.error from failed.__cause__


def _asked(state: "RetryCallState") -> float:
    """The seconds that the vendor asks to wait; 0 where it does not say."""
    failed = state.outcome.exception() if state.outcome else None
    return (failed.asked or 0.0) if isinstance(failed, Failed) else 0.0
