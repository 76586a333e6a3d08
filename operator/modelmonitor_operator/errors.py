"""How a call to the cluster can fail: adapters translate every foreign exception into this tree."""


class ClusterError(Exception):
    """A call to the API server failed; `status` is the HTTP status, 0 where no answer came."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class RetryableError(ClusterError):
    """The same work may succeed later."""


class ConflictError(RetryableError):
    """The object is not the one, or not the version, that was looked at: look again."""


class DeposedError(ConflictError):
    """Another process may lead by now, so this one writes nothing."""


class ThrottledError(RetryableError):
    """The API server asks for patience, `retry_after_seconds` long."""

    def __init__(self, message: str, status: int, retry_after_seconds: float) -> None:
        super().__init__(message, status)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(RetryableError):
    """No answer, a broken answer or a server error."""


class GoneError(RetryableError):
    """The resource version of a watch is too old (410): list again."""


class TerminalError(ClusterError):
    """The same work fails again until somebody changes something."""


class NotFoundError(TerminalError):
    """The object, its namespace or its kind does not exist."""


class AlreadyExistsError(TerminalError):
    """An object of that name is there already."""


class ForbiddenError(TerminalError):
    """A right is missing, or an admission rule refuses."""


class InvalidError(TerminalError):
    """The API server does not accept the object."""
