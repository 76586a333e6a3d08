"""The machine's clocks."""

import asyncio
import time

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The real clock."""

    def monotonic(self) -> float:
        """Seconds that only grow, also while the machine sleeps, when a lease runs out; macOS has no such clock."""
        return time.clock_gettime(_SINCE_BOOT)

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
