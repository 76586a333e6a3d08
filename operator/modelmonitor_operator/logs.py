"""The operator's logs: kopf speaks only of faults, because its end is the supervisor's to tell."""

import logging

from modelmonitor_api import logs


def configure_logging(level: str) -> None:
    """Send every log line of the process to standard error as JSON."""
    logs.configure_logging(level)
    for name in ("kopf", "aiohttp", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.CRITICAL)
