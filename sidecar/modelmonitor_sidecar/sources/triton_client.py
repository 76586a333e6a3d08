"""NVIDIA's own asyncio client, with every request sent and every body read through our bounds."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from tritonclient.http.aio import InferenceServerClient  # type: ignore[import-untyped]
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from modelmonitor_sidecar.sources.bounded_http import BoundedAnswer, BoundedHttp
from modelmonitor_sidecar.sources.endpoint_errors import empty_error, malformed_error, status_error
from modelmonitor_sidecar.windows import ModelKey

_READINESS = "v2/health/"
MAX_VALUES = 100_000
"""Values in one JSON answer, counted before it is parsed: two bytes may become an object of 64. A model takes 45."""


class BoundedTritonClient(InferenceServerClient):  # type: ignore[misc]
    """Triton's HTTP API of one pod. It has no connections of its own: `http` is shared by all pods."""

    def __init__(self, base_url: str, http: BoundedHttp) -> None:
        # The parent's own initialiser would open a session without bounds; its base only holds the plug-in.
        super(InferenceServerClient, self).__init__()
        self._verbose = False
        self._base_url = base_url
        self._http = http

    async def _get(self, request_uri: str, headers: object, query_params: object) -> BoundedAnswer:  # noqa: ARG002
        return await self._ask("GET", request_uri)

    async def _post(
        self,
        request_uri: str,
        request_body: object,  # noqa: ARG002
        headers: object,  # noqa: ARG002
        query_params: object,  # noqa: ARG002
    ) -> BoundedAnswer:
        return await self._ask("POST", request_uri)

    async def _ask(self, method: str, path: str) -> BoundedAnswer:
        url = f"{self._base_url}/{path}"
        answer = await self._http.ask(method, url)
        if path.startswith(_READINESS):
            return answer
        if answer.status == 200 and not answer.body.strip():
            raise empty_error(url)
        if sum(map(answer.body.count, (b"{", b"[", b","))) > MAX_VALUES:
            raise malformed_error(url, f"the JSON has more than {MAX_VALUES} values")
        return answer

    async def ready(self) -> bool:
        """Whether the server says that it is ready; 400 and 503 are how it says no."""
        return bool(await self.is_server_ready())

    async def version(self) -> str | None:
        """The server's version; None where it does not say."""
        found = await self._json("v2", self.get_server_metadata)
        return str(found["version"])[:64] if isinstance(found, dict) and "version" in found else None

    async def statistics(self) -> object:
        """The answer of the statistics API, as JSON types."""
        return await self._json("v2/models/stats", self.get_inference_statistics)

    async def configuration(self, model: ModelKey) -> object:
        """The configuration of one model version, as JSON types."""
        name, version = model
        return await self._json(f"v2/models/{quote(name)}/config", lambda: self.get_model_config(name, version))

    async def index(self) -> object:
        """The answer of the repository index, as JSON types."""
        return await self._json("v2/repository/index", self.get_model_repository_index)

    async def _json(self, path: str, call: Callable[[], Awaitable[object]]) -> object:
        """One call of the client, its exceptions translated.

        Raises:
            EndpointError: the answer is an error, or no JSON.
        """
        url = f"{self._base_url}/{path}"
        try:
            return await call()
        except InferenceServerException as error:
            raise status_error(400, url, str(error.message())) from error
        except RecursionError as error:
            raise malformed_error(url, "the JSON is nested too deeply") from error
        except (ValueError, KeyError, TypeError) as error:
            raise malformed_error(url, f"the body is no JSON of Triton's: {error}") from error
