"""Feeds the meters of cost with each reading of NVML, and tells what they say.

A stretch of time is booked from one reading of NVML to the next, on the clock that runs since the node booted. What a
hung call, a driver that is away or a frozen process hide is booked to nobody: the operator finds it as a gap. While
NVML fails, pods and their holders are followed all the same, once for each attempt.
"""

import logging
import uuid
from dataclasses import replace
from pathlib import Path

from modelmonitor_api.cost_summary import CostReading
from modelmonitor_sidecar.cost.from_snapshot import build_moment
from modelmonitor_sidecar.cost.meters import CostMeters
from modelmonitor_sidecar.snapshot import Clock, SnapshotStore

_LOG = logging.getLogger(__name__)
LONGEST_STRETCH_US = 120_000_000
"""A reading says nothing about more time than this before it: four of the longest intervals."""


def read_boot_id(path: Path) -> str:
    """What the kernel calls this boot; where it does not say, a name that no other process uses.

    Source: random(4). With such a name the operator takes every restart of the sidecar for one of the node.
    """
    try:
        if found := path.read_text().strip()[:64]:
            return found
        problem = "it is empty"
    except (OSError, ValueError) as error:
        problem = str(error)
    _LOG.warning("%s does not say which boot this is (%s): each start of the sidecar counts as one", path, problem)
    return f"process-{uuid.uuid4()}"


class Metering:
    """The node's meters, fed from the newest snapshot."""

    def __init__(self, store: SnapshotStore, clock: Clock, boot_id: str) -> None:
        self._store, self._clock = store, clock
        self._fed_us = clock().at_us
        self._meters = CostMeters(boot_id, self._fed_us)
        self._reading = store.newest.nvml.reading

    def follow(self) -> None:
        """Take the newest snapshot, where it has a new reading of NVML or one more attempt that failed.

        The first one is taken again until the kubelet has said who holds what.
        """
        snapshot = self._store.newest
        at_us = round(snapshot.nvml.attempted_at * 1_000_000)
        if snapshot.nvml.reading == self._reading or at_us <= self._fed_us:
            return
        pods = {uid: target.counted for uid, target in snapshot.targets.items() if target.counted is not None}
        moment = build_moment(at_us, snapshot, pods)
        if self._meters.have_begun and at_us - self._fed_us > LONGEST_STRETCH_US:
            moment = replace(moment, gpus={})
        self._meters.observe(moment)
        if self._meters.have_begun:
            self._reading, self._fed_us = snapshot.nvml.reading, at_us

    def read(self) -> CostReading | None:
        """The meters now; None before the node's devices and their holders are known."""
        now = self._clock()
        return self._meters.reading(now.at_us, now.wall) if self._meters.have_begun else None
