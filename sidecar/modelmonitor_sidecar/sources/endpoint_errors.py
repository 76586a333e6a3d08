"""What each way of not answering means, in words that a person can act on. One place, so that all readers agree."""

import errno

import aiohttp

from modelmonitor_api.summary import EndpointReading, EndpointState

MAX_WORDS = 200
"""Characters of a server's own words that are passed on."""


class EndpointError(Exception):
    """An endpoint did not answer as Triton does."""

    def __init__(self, state: EndpointState, message: str) -> None:
        super().__init__(message)
        self.state = state

    @property
    def reading(self) -> EndpointReading:
        """The error as the summary carries it."""
        return EndpointReading(state=self.state, message=str(self))


def printable(text: str, limit: int = MAX_WORDS) -> str:
    """A server's own words: one line, no control characters, bounded."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())[:limit]


def status_error(status: int, url: str, words: str) -> EndpointError:
    """What an HTTP status other than 200 means."""
    said = f": {printable(words)}" if words.strip() else ""
    if status in {401, 403}:
        return EndpointError(
            EndpointState.FORBIDDEN,
            f"{url} answered {status}: something asks for credentials before Triton answers (an auth proxy, a service "
            "mesh, or --http-restricted-api); let the sidecars through or name the port that Triton itself serves",
        )
    if 300 <= status < 400:
        return EndpointError(
            EndpointState.HTTP_ERROR,
            f"{url} answered {status}, a redirect; redirects are not followed: name the port that Triton itself serves",
        )
    return EndpointError(EndpointState.HTTP_ERROR, f"{url} answered {status}{said}")


def html_error(url: str) -> EndpointError:
    """A web page came instead of Triton's answer."""
    return EndpointError(
        EndpointState.HTML,
        f"{url} answered with an HTML page: another program serves this port; check the ports in spec.triton",
    )


def tls_error(url: str) -> EndpointError:
    """The port speaks TLS."""
    return EndpointError(
        EndpointState.TLS,
        f"{url} speaks TLS where plain HTTP is read: name the plain port of Triton in spec.triton, or exempt the "
        "sidecars from the mesh's mutual TLS",
    )


def timeout_error(url: str, seconds: float) -> EndpointError:
    """No complete answer came within the deadline."""
    return EndpointError(
        EndpointState.TIMEOUT,
        f"{url} gave no complete answer within {seconds:g} s: Triton hangs or starts, or a NetworkPolicy drops the "
        "sidecars' packets",
    )


def too_large_error(url: str, limit: int) -> EndpointError:
    """The body is larger than what is read."""
    return EndpointError(
        EndpointState.TOO_LARGE,
        f"{url} answered with more than {limit // (1024 * 1024)} MiB (after decompression); Triton never does",
    )


def malformed_error(url: str, why: str) -> EndpointError:
    """The answer is not in the form that Triton's is."""
    return EndpointError(EndpointState.MALFORMED, f"{url} answered, but not as Triton does: {printable(why)}")


def empty_error(url: str) -> EndpointError:
    """Status 200 and nothing in it."""
    return EndpointError(
        EndpointState.EMPTY,
        f"{url} answered 200 with an empty page: the port or path is not Triton's, or metrics are off "
        "(--allow-metrics=false)",
    )


def connection_error(error: aiohttp.ClientError | OSError, url: str) -> EndpointError:
    """What a failed connection means."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ECONNREFUSED:
        return EndpointError(
            EndpointState.REFUSED,
            f"{url} refused the connection: nothing listens on this port; check the ports in spec.triton and the "
            "log of the container",
        )
    if number in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EACCES, errno.EPERM}:
        return EndpointError(
            EndpointState.UNREACHABLE, f"{url} cannot be reached from the node: {printable(str(error))}"
        )
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError):
        return malformed_error(url, f"the answer is no HTTP: {error}")
    return EndpointError(
        EndpointState.UNREACHABLE, f"{url} closed the connection without an answer: {printable(str(error))}"
    )
