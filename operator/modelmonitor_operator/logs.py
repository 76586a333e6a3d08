"""What the operator logs: its own lines, and of the libraries only what is wrong."""

import logging

from modelmonitor_api.logs import configure_logging

_QUIET = ("kopf", "aiohttp", "asyncio")
_SUPERVISED = "kopf._core.reactor.running"


def configure_operator_logging(level: str) -> None:
    """Log as JSON. That kopf has ended and starts again is told once, by its supervisor."""
    configure_logging(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_SUPERVISED).setLevel(logging.CRITICAL)
