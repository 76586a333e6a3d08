"""What the operator writes while nothing happens: counted in the API server's own audit log, over five minutes.

No requests reach the models, no pod changes, no reading changes. Each status may be renewed once, so that its
`observedAt` shows that somebody still looks; the Lease is renewed at its own pace.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.installation import OPERATOR, at_rest, installed
from benchmarks.synthetic import Load
from benchmarks.table import Row
from modelmonitor_operator.settings import LeaseSettings
from modelmonitor_testbed.controlplane import ControlPlane, running_control_plane

MONITORS = 50
SETTLE_SECONDS = 90.0
WATCHED_SECONDS = 300.0
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_REVIEWS = "selfsubjectaccessreviews"
_CYCLES = "modelmonitor_operator_cycles_total"


def count_writes(lines: Sequence[str]) -> Counter[str]:
    """The operator's writes in lines of an audit log, by resource; reviews of its own rights store nothing."""
    found: Counter[str] = Counter()
    for line in lines:
        event = json.loads(line)
        resource = event.get("objectRef", {}).get("resource", "")
        if event["verb"] in _WRITES and event["user"]["username"] == OPERATOR and resource != _REVIEWS:
            found[resource] += 1
    return found


def _read_lines(log: Path) -> list[str]:
    return log.read_text().splitlines()


async def _measure(control_plane: ControlPlane, report: Callable[[str], None]) -> Sequence[Row]:
    log = control_plane.audit_log
    assert log is not None
    async with (
        installed(control_plane) as installation,
        at_rest(installation, MONITORS, 5, Load(models=4, requests=0)) as operator,
    ):
        report(f"{MONITORS} ModelMonitors are Ready; settling for {SETTLE_SECONDS:.0f} s")
        await asyncio.sleep(SETTLE_SECONDS)
        seen, cycles = len(_read_lines(log)), operator.metric(_CYCLES)
        for minute in range(round(WATCHED_SECONDS / 60)):
            await asyncio.sleep(60)
            report(f"minute {minute + 1}: {dict(count_writes(_read_lines(log)[seen:]))}")
        cycles = operator.metric(_CYCLES) - cycles
        writes = count_writes(_read_lines(log)[seen:])
    leases = writes.pop("leases", 0)
    renewals = WATCHED_SECONDS / LeaseSettings().renew_seconds
    return (
        Row(
            f"API writes in 5 minutes of rest, {MONITORS} ModelMonitors, without the Lease",
            sum(writes.values()),
            "",
            MONITORS,
            cycles * MONITORS,
            "a status for each verdict reached",
        ),
        Row("API writes in 5 minutes of rest, the Lease", leases, "", renewals + 1, renewals, "renewal at its period"),
    )


def measure(report: Callable[[str], None]) -> Sequence[Row]:
    """Writes in five minutes; takes seven."""
    with running_control_plane(audit=True) as control_plane:
        return asyncio.run(_measure(control_plane, report))
