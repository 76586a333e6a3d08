"""The only module that imports Grafana's SDK, whose classic dashboard models warn when they are imported.

The SDK's newer models are resources of Grafana's own API; a ConfigMap for Grafana's sidecar carries the classic JSON.
"""

import json
import warnings
from typing import Any, cast

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import bargauge, common, dashboard, prometheus, stat, table, text, timeseries

__all__ = ["bargauge", "common", "dashboard", "decode", "encode", "prometheus", "stat", "table", "text", "timeseries"]

Json = dict[str, Any]


def encode(page: dashboard.Dashboard) -> Json:
    """The dashboard's JSON, as Grafana reads it."""
    return cast("Json", json.loads(json.dumps(page, cls=JSONEncoder)))


def decode(page: Json) -> dashboard.Dashboard:
    """The SDK's model of a dashboard's JSON; the panels' own options are decoded by their plugins' models."""
    register_default_plugins()
    return dashboard.Dashboard.from_json(page)
