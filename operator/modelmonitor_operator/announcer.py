"""Which Events are written: each monitor may say a few at once and then one every half minute, and nothing twice."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from modelmonitor_operator.desired.event import Announcement, build_event
from modelmonitor_operator.observed import Monitor
from modelmonitor_operator.reconcile.changes import EmitEvent, Rank

BURST = 10.0
REFILL_SECONDS = 30.0
REPEAT_SECONDS = 600.0
_REMEMBERED = 64


class Announcer:
    """A token bucket and a short memory for each monitor."""

    def __init__(self, count_dropped: Callable[[], None] = lambda: None) -> None:
        self._tokens: dict[str, tuple[float, float]] = {}
        self._said: dict[str, OrderedDict[tuple[str, str], float]] = {}
        self._serial = 0
        self._count_dropped = count_dropped
        self._pruned_at = 0.0

    def admit(self, monitor: Monitor, announcements: Iterable[Announcement], now: float) -> tuple[EmitEvent, ...]:
        """The Events to write now; the others are counted as dropped or were said a short while ago."""
        self._prune(now)
        return tuple(
            self._build(monitor, announcement, now)
            for announcement in announcements
            if self._is_news(monitor.uid, announcement, now) and self._spend(monitor.uid, now)
        )

    def _prune(self, now: float) -> None:
        """Forget monitors that have said nothing for so long that nothing of it counts any more."""
        if now - self._pruned_at < REPEAT_SECONDS:
            return
        self._pruned_at = now
        for uid in [uid for uid, (_, at) in self._tokens.items() if now - at >= REPEAT_SECONDS]:
            del self._tokens[uid]
            self._said.pop(uid, None)

    def _build(self, monitor: Monitor, announcement: Announcement, now: float) -> EmitEvent:
        self._serial = (self._serial + 1) % 0x10000
        manifest = build_event(monitor, announcement, now, self._serial)
        return EmitEvent(Rank.ANNOUNCE, monitor.ref.namespace, manifest)

    def _is_news(self, uid: str, announcement: Announcement, now: float) -> bool:
        said = self._said.setdefault(uid, OrderedDict())
        key = (announcement.reason, announcement.message)
        if now - said.get(key, float("-inf")) < REPEAT_SECONDS:
            return False
        said[key] = now
        said.move_to_end(key)
        while len(said) > _REMEMBERED:
            said.popitem(last=False)
        return True

    def _spend(self, uid: str, now: float) -> bool:
        tokens, at = self._tokens.get(uid, (BURST, now))
        tokens = min(BURST, tokens + (now - at) / REFILL_SECONDS)
        allowed = tokens >= 1.0
        self._tokens[uid] = (tokens - 1.0 if allowed else tokens, now)
        if not allowed:
            self._count_dropped()
        return allowed
