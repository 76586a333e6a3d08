"""The only package that imports kopf. kopf watches ModelMonitors and keeps its connection; reconciling is ours."""

from collections.abc import Callable
from typing import Any

import kopf

from modelmonitor_api import names
from modelmonitor_operator.handlers.login import log_in
from modelmonitor_operator.handlers.no_diffs import NoDiffs
from modelmonitor_operator.settings import Json, Settings

OnMonitor = Callable[[str | None, Json], None]


def register(settings: Settings, on_monitor: OnMonitor) -> kopf.OperatorRegistry:
    """The whole routing table: what kopf watches and who hears of it."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def start(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings, watch_seconds)

    @kopf.on.login(registry=registry)
    def authenticate(**given: Any) -> kopf.ConnectionInfo | None:
        return log_in(**given)

    @kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=registry)
    async def monitor(event: kopf.RawEvent, **_: Any) -> None:
        on_monitor(event["type"], dict(event["object"]))

    watch_seconds = settings.resync_seconds
    return registry


def configure(settings: kopf.OperatorSettings, watch_seconds: float) -> None:
    """What kopf must not do here: post Events, scan the cluster, wait for peers, write annotations or finalizers."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = int(watch_seconds)  # the API server refuses fractions
    settings.watching.inactivity_timeout = watch_seconds + 60.0
    settings.networking.request_timeout = 30.0
    settings.networking.enforce_retry_after = True
    settings.queueing.exit_timeout = 0.5
    settings.persistence.finalizer = f"{names.GROUP}/never-used"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=names.GROUP)
    settings.persistence.diffbase_storage = NoDiffs()
