"""NVML on a thread of its own, so that a call that never returns stops nothing else.

The thread posts what it found to the event loop, which folds it into the snapshot. A watchdog on the loop says Hung
when a call exceeds its deadline, and lets readings go after three intervals: absent, not frozen.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelmonitor_api.summary import GpuReading, SourceState
from modelmonitor_sidecar.change_log import log_change
from modelmonitor_sidecar.snapshot import MAX_XIDS, XID_SECONDS, Clock, Instant, NvmlSnapshot, SnapshotStore, Xid
from modelmonitor_sidecar.sources.nvml_calls import NvmlCalls
from modelmonitor_sidecar.sources.nvml_errors import Meaning, NvmlCallError
from modelmonitor_sidecar.sources.nvml_session import NvmlSession, XidReport

_LOG = logging.getLogger(__name__)
LONGEST_EVENT_WAIT_SECONDS = 1.0
WATCHDOG_SECONDS = 1.0
STALE_INTERVALS = 3
MAX_XID_SERIES = 256


@dataclass(frozen=True, slots=True)
class Found:
    """A complete reading."""

    at: Instant
    gpus: tuple[GpuReading, ...]
    driver_version: str | None
    nvml_version: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """NVML as a whole could not be read."""

    at: Instant
    state: SourceState
    message: str


@dataclass(frozen=True, slots=True)
class XidSeen:
    """An Xid came."""

    at: Instant
    report: XidReport


News = Found | Failed | XidSeen


def _remember_xid(known: NvmlSnapshot, at: Instant, report: XidReport) -> NvmlSnapshot:
    sequence = known.xids[-1].sequence + 1 if known.xids else sum(n for _, n in known.xid_counts) + 1
    xid = Xid(sequence, report.code, at.at, report.gpu_uuid, report.gpu_index)
    kept = tuple(old for old in known.xids if at.at - old.at <= XID_SECONDS)
    counts = dict(known.xid_counts)
    key = (report.gpu_index, report.gpu_uuid, report.code)
    if key in counts or len(counts) < MAX_XID_SERIES:
        counts[key] = counts.get(key, 0) + 1
    return replace(known, xids=(*kept, xid)[-MAX_XIDS:], xid_counts=tuple(counts.items()))


def fold(known: NvmlSnapshot, news: News) -> NvmlSnapshot:
    """The next snapshot."""
    match news:
        case Found(at, gpus, driver_version, nvml_version):
            return replace(
                known,
                state=SourceState.OK,
                message="" if gpus else "NVML lists no GPU on this node",
                reading=known.reading + 1,
                read=at,
                attempted_at=at.at,
                gpus=gpus,
                driver_version=driver_version,
                nvml_version=nvml_version,
            )
        case Failed(at, state, message):
            attempt = known.reading + 1
            return replace(known, state=state, message=message, reading=attempt, attempted_at=at.at, gpus=())
        case XidSeen(at, report):
            return _remember_xid(known, at, report)


def watch(
    known: NvmlSnapshot, now: float, interval: float, running: tuple[str, float] | None, deadline: float
) -> NvmlSnapshot:
    """The snapshot as the watchdog leaves it: Hung where a call runs too long, without readings that are too old."""
    if running is not None and running[1] > deadline:
        message = f"{running[0]} has not returned for more than {deadline:g} s: the driver hangs; run nvidia-smi and "
        message += "dmesg on the node. Other readings go on"
        if known.state is not SourceState.HUNG or now - known.attempted_at >= interval:
            known = replace(known, state=SourceState.HUNG, message=message, reading=known.reading + 1, attempted_at=now)
    if known.gpus and known.read is not None and now - known.read.at > STALE_INTERVALS * interval:
        known = replace(known, gpus=())
    return known


def _fault(error: Exception) -> str:
    return f"the sidecar cannot take what the driver answers ({type(error).__name__}: {error}); see its log"[:512]


class NvmlSource:
    """Reads NVML until it is stopped. It owns the thread and the watchdog."""

    def __init__(
        self, store: SnapshotStore, clock: Clock, interval: Callable[[], float], deadline_seconds: float
    ) -> None:
        self._store, self._clock, self._interval, self._deadline = store, clock, interval, deadline_seconds
        self._calls = NvmlCalls(lambda: clock().at)
        self._stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread. It is a daemon: a call that never returns does not keep the process alive."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="nvml", daemon=True)
        self._thread.start()

    def stop(self, wait_seconds: float = 0.0) -> None:
        """Ask the thread to end, and wait no longer than this for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    async def run_watchdog(self) -> None:
        """Watch the running call until cancelled."""
        while True:
            await asyncio.sleep(WATCHDOG_SECONDS)
            known = self._store.newest.nvml
            self._publish(watch(known, self._clock().at, self._interval(), self._calls.running(), self._deadline))

    def _publish(self, snapshot: NvmlSnapshot) -> None:
        before = self._store.newest.nvml
        if snapshot is before:
            return
        self._store.publish_nvml(snapshot)
        if (before.state, before.message) != (snapshot.state, snapshot.message):
            log_change(_LOG, "NVML", snapshot.state, snapshot.message)

    def _post(self, news: News) -> None:
        if self._loop is None or self._stop.is_set():
            return
        try:
            self._loop.call_soon_threadsafe(lambda: self._publish(fold(self._store.newest.nvml, news)))
        except RuntimeError:
            self._stop.set()  # The event loop is closed: nobody is left to tell.

    def _run(self) -> None:
        pause = 1.0
        while not self._stop.is_set():
            try:
                self._serve(NvmlSession(self._calls))
                pause = 1.0
                continue
            except NvmlCallError as error:
                failed = Failed(self._clock(), error.rule.state, str(error))
            except Exception as error:  # A thread that ended would leave the last state in force for ever.
                _LOG.exception("reading NVML failed")
                failed = Failed(self._clock(), SourceState.FAILED, _fault(error))
            self._post(failed)
            self._stop.wait(pause)
            pause = min(2 * pause, self._interval())

    def _serve(self, session: NvmlSession) -> None:
        """Read and wait, until the session must begin anew.

        Raises:
            NvmlCallError: NVML as a whole no longer answers.
        """
        try:
            while not self._stop.is_set():
                began = self._clock().at
                gpus = session.read()
                self._post(Found(self._clock(), gpus, session.driver_version, session.nvml_version))
                if session.driver_was_reloaded(gpus):
                    return
                self._wait(session, began)
        finally:
            session.close()

    def _wait(self, session: NvmlSession, began: float) -> None:
        """Wait for Xids until the next reading is due; the plan may change the interval meanwhile."""
        while not self._stop.is_set() and (left := began + self._interval() - self._clock().at) > 0:
            seconds = min(left, LONGEST_EVENT_WAIT_SECONDS)
            try:
                report = session.wait_for_xid(seconds)
            except NvmlCallError as error:
                if error.meaning is Meaning.SESSION_OVER:
                    raise
                self._stop.wait(seconds)
                continue
            if report is not None:
                self._post(XidSeen(self._clock(), report))
