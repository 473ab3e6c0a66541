"""Whether very many arrive just now: then it is worth waiting a moment, and doing them together."""

_WINDOW_SECONDS = 0.05


class Arrivals:
    """Counts arrivals in short windows.

    Attributes:
        is_surge: whether more than `surge_rate` a second came in the last whole window.
    """

    def __init__(self, surge_rate: float) -> None:
        self._surge_rate = surge_rate
        self._began = 0.0
        self._count = 0
        self.is_surge = False

    def count(self, now: float) -> None:
        """One more, at `now` on the event loop's clock."""
        passed = now - self._began
        if passed < _WINDOW_SECONDS:
            self._count += 1
        else:
            self.is_surge = self._count > self._surge_rate * passed
            self._began, self._count = now, 1
