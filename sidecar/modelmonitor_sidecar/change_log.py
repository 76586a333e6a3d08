"""One log line for each change of a state, and none for each interval in which nothing changed."""

import logging
from enum import StrEnum


def log_change(logger: logging.Logger, subject: str, state: StrEnum, message: str) -> None:
    """Say what a state is now: a warning, unless it is Ok."""
    level = logging.INFO if state == "Ok" else logging.WARNING
    logger.log(level, "%s is %s%s", subject, state.value, f": {message}" if message else "")
