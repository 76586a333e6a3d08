"""Time as a port, so that tests need not wait."""

from typing import Protocol


class Clock(Protocol):
    """Both clocks and a way to wait."""

    def monotonic(self) -> float:
        """Seconds that only grow: for lengths of time."""

    def time(self) -> float:
        """Seconds since the epoch: for what people read."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""
