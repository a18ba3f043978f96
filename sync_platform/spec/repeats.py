"""What notices that a vendor leads in a circle."""

from typing import Any


class Repeats:
    """Notices that a list goes in a circle: a place in it, such as the token of a page, that came
    before. Two of the places are kept: the last one, and one of those before it, which is taken
    anew after 1, 2, 4 … pages (Brent's way), so that every circle is noticed before long.
    """

    def __init__(self, begun_at: Any = None) -> None:
        self._last = self._kept = begun_at
        self._left = self._span = 1

    def has(self, place: Any) -> bool:
        """Whether this place, the next, was met before; else it is taken as met."""
        if place == self._last or place == self._kept:
            return True
        self._last = place
        self._left -= 1
        if self._left == 0:
            self._kept = place
            self._span *= 2
            self._left = self._span
        return False
