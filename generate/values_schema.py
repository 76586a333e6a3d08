"""`values.schema.json` of the chart: strict inside, open for what a parent chart passes down (`global`, `enabled`).

Types come from the defaults in values.yaml, descriptions from their comments; what a type cannot say is a limit here.
"""

import json

import yaml

from generate.chart import parse_values
from generate.schema import Json
from modelmonitor_operator.settings import GpuAccessPreset

_PULL_POLICY: Json = {"enum": ["Always", "IfNotPresent", "Never"]}
_DIGEST: Json = {"pattern": "^(sha256:[a-f0-9]{64})?$"}
_GATE: Json = {"type": ["string", "boolean"], "enum": ["auto", True, False, "true", "false"]}
"""Whether an object of an optional kind is made; `--set-string` gives the words for the booleans."""
_PORTS: Json = {"items": {"type": "integer", "minimum": 1, "maximum": 65535}, "uniqueItems": True, "minItems": 1}
_LEVEL: Json = {"enum": ["DEBUG", "INFO", "WARNING", "ERROR"]}
_OBJECTS: Json = {"items": {"type": "object"}}
_NAMES: Json = {"items": {"type": "string", "minLength": 1, "maxLength": 63}, "uniqueItems": True}
_STRINGS: Json = {"additionalProperties": {"type": "string"}}
_LIMITS: dict[str, Json] = {
    "global": {"additionalProperties": True},
    "fullnameOverride": {"maxLength": 40},
    "namespaceOverride": {"maxLength": 63},
    "commonLabels": _STRINGS,
    "imagePullSecrets": _NAMES,
    "global.imagePullSecrets": _NAMES,
    "watchNamespaces": _NAMES,
    "image.pullPolicy": _PULL_POLICY,
    "image.digest": _DIGEST,
    "replicas": {"minimum": 0},
    "logLevel": _LEVEL,
    "httpPort": {"minimum": 1, "maximum": 65535},
    "podLabels": _STRINGS,
    "podAnnotations": _STRINGS,
    "podDisruptionBudget.minAvailable": {"type": ["integer", "string"]},
    "extraArgs": {"items": {"type": "string"}},
    "metrics.serviceMonitor.enabled": _GATE,
    "metrics.serviceMonitor.labels": _STRINGS,
    "metrics.serviceMonitor.relabelings": _OBJECTS,
    "metrics.serviceMonitor.metricRelabelings": _OBJECTS,
    "metrics.prometheusRule.enabled": _GATE,
    "metrics.prometheusRule.labels": _STRINGS,
    "metrics.prometheusRule.alertLabels": _STRINGS,
    "metrics.prometheusRule.disabled": {"items": {"type": "string"}},
    "networkPolicy.metricsFrom": _OBJECTS,
    "networkPolicy.apiServer.ports": _PORTS,
    "networkPolicy.apiServer.cidrs": {"items": {"type": "string"}},
    "networkPolicy.tritonPorts": _PORTS,
    "networkPolicy.operatorEgress": _OBJECTS,
    "networkPolicy.sidecarEgress": _OBJECTS,
    "helmTest.timeoutSeconds": {"minimum": 1},
    "sidecar.logLevel": _LEVEL,
    "sidecar.extraEnv": _OBJECTS,
    "sidecar.extraVolumes": _OBJECTS,
    "sidecar.extraVolumeMounts": _OBJECTS,
    "sidecar.namespace": {"maxLength": 63},
    "sidecar.image.pullPolicy": _PULL_POLICY,
    "sidecar.image.digest": _DIGEST,
    "sidecar.gpuAccess.preset": {"enum": [preset.value for preset in GpuAccessPreset]},
    "sidecar.podLabels": _STRINGS,
    "sidecar.podAnnotations": _STRINGS,
    "sidecar.maxUnavailable": {"type": ["integer", "string"]},
    "monitoring.labels": _STRINGS,
    "monitoring.alertLabels": _STRINGS,
    "prometheus.url": {"pattern": "^(https?://[!-~]+)?$"},
    "prometheus.pollSeconds": {"type": "number", "minimum": 5},
    "prometheus.timeoutSeconds": {"type": "number", "exclusiveMinimum": 0},
    "cost.priceTable": {"maxLength": 253},
    "cost.readNodes": _GATE,
    "cost.ledgerRetentionDays": {"minimum": 1},
    "cost.writeSeconds": {"type": "number", "minimum": 1, "maximum": 300},
    "extraObjects": {"items": {"type": ["object", "string"]}},
}
_OPEN = frozenset(
    {"resources", "affinity", "podSecurityContext", "securityContext", "updateStrategy", "instanceSelector"}
)
"""Values that Kubernetes gives the shape: what is inside is the API server's to check."""
_TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


def render_values_schema(values: str) -> str:
    """The JSON Schema of the chart's values."""
    descriptions = {row.key: row.description for row in parse_values(values)}
    schema = _schema("", yaml.safe_load(values), descriptions)
    properties: Json = {"enabled": {"type": "boolean", "description": "For parent charts; not read by this one."}}
    properties.update(_properties(schema))
    root: Json = {"$schema": "https://json-schema.org/draft-07/schema#", **schema, "properties": properties}
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"


def _properties(schema: Json) -> Json:
    properties = schema["properties"]
    if not isinstance(properties, dict):
        raise TypeError("the values are no map")
    return properties


def _schema(path: str, default: object, descriptions: dict[str, str]) -> Json:
    schema: Json = {"type": _TYPES[type(default)]}
    if path in descriptions:
        schema["description"] = descriptions[path]
    if isinstance(default, dict) and default and path.rpartition(".")[2] not in _OPEN:
        schema["additionalProperties"] = False
        schema["properties"] = {
            key: _schema(f"{path}.{key}".lstrip("."), value, descriptions) for key, value in default.items()
        }
    return {**schema, **_LIMITS.get(path, {})}
