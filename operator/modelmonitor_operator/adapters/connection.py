"""One pooled connection to the API server: address, trust and identity from the cluster or from a kubeconfig.

Bodies stay raw JSON: making the client's model objects of them costs more than all the rest of a call.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import cast

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import Configuration

METADATA_OBJECT = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What to accept where an object's content is not wanted.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches"""


async def load_configuration() -> Configuration:
    """Address, CA and credentials: of the pod's service account, else of the kubeconfig ($KUBECONFIG)."""
    configuration = Configuration()
    try:
        cast("Callable[..., None]", config.load_incluster_config)(client_configuration=configuration)
    except config.ConfigException:
        await cast("Callable[..., Awaitable[None]]", config.load_kube_config)(client_configuration=configuration)
    return configuration


class Connection:
    """An HTTP session with the API server. Tokens are read again when they age."""

    def __init__(self, configuration: Configuration, request_timeout_seconds: float) -> None:
        self._configuration = configuration
        self._timeout = aiohttp.ClientTimeout(total=request_timeout_seconds)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=_build_ssl_context(configuration)),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def close(self) -> None:
        """End every connection."""
        await self._session.close()

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: tuple[bytes, str] | None = None,
        accept: str = "application/json",
        patience: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a request, its body not yet read; `body` is the content and its type."""
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if token := await self._configuration.get_api_key_with_prefix("BearerToken"):
            headers["Authorization"] = token
        if body is not None:
            headers["Content-Type"] = body[1]
        async with self._session.request(
            method,
            f"{self._configuration.host}{path}",
            params=query,
            data=None if body is None else body[0],
            headers=headers,
            allow_redirects=False,
            timeout=patience or self._timeout,
        ) as answer:
            yield answer


def _build_ssl_context(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
