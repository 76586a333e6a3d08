"""The two CustomResourceDefinitions, made from the models of the contract."""

import yaml

from generate.schema import Json, structural_schema
from modelmonitor_api.names import GROUP, KIND, PLAN_KIND, PLAN_PLURAL, PLURAL, SHORT_NAME, VERSION
from modelmonitor_api.plan import NodePlanSpec
from modelmonitor_api.spec import ModelMonitorSpec
from modelmonitor_api.status import UNSEEN_STATUS, ModelMonitorStatus

CATEGORY = "model-monitoring"
"""For `kubectl get model-monitoring`; a category of the name of a kind would hide the kind from `kubectl get`."""
MONITOR_CRD = f"{PLURAL}.{GROUP}"
PLAN_CRD = f"{PLAN_PLURAL}.{GROUP}"


def _column(name: str, path: str, kind: str = "string", *, wide: bool = False, description: str = "") -> Json:
    column: Json = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return {**column, "priority": 1} if wide else column


_CONDITION = '.status.conditions[?(@.type=="{}")].status'
MONITOR_COLUMNS = [
    _column("Ready", _CONDITION.format("Ready"), description="Whether the monitoring works."),
    _column("Health", ".status.health.state", description="The verdict."),
    _column("Models", ".status.health.modelsReady", description="Model versions ready, of all."),
    _column("GPUs", ".status.health.gpusHealthy", description="GPUs healthy, of those that the pods hold."),
    _column("Spent", ".status.cost.spent", description="Spent in the present period, or GPU-hours without a price."),
    _column("Projected", ".status.cost.projected", description="What the period will have cost at its end."),
    _column("Observed", ".status.health.observedAt", "date", description="When the verdict was last renewed."),
    _column("Age", ".metadata.creationTimestamp", "date", description="Age of the object."),
    _column("Reason", ".status.health.reason", wide=True, description="Code of the worst finding."),
]
PLAN_COLUMNS = [
    _column("Truncated", ".spec.truncated", "boolean", description="Whether the plan was cut at its largest size."),
    _column("Age", ".metadata.creationTimestamp", "date", description="Age of the object."),
]


def _object(description: str, parts: dict[str, Json], required: list[str]) -> Json:
    """The schema of a whole object: what every Kubernetes object has, and our parts."""
    properties: Json = {
        "apiVersion": {"type": "string", "description": "Version of the schema that the object is written in."},
        "kind": {"type": "string", "description": "Kind of the object."},
        "metadata": {"type": "object"},
        **parts,
    }
    return {"type": "object", "description": description, "properties": properties, "required": required}


def _definition(kind: str, plural: str, short_name: str, version: Json) -> Json:
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        "shortNames": [short_name],
        "categories": [CATEGORY],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _version(columns: list[Json], schema: Json) -> Json:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": schema},
    }


def build_monitor_crd() -> Json:
    """The CustomResourceDefinition of ModelMonitor."""
    status = structural_schema(ModelMonitorStatus, written_by_users=False) | {"default": UNSEEN_STATUS}
    schema = _object(
        "ModelMonitor watches the Triton servers of its namespace that a selector names, and says whether their "
        "models and GPUs are healthy, and why not.",
        {"spec": structural_schema(ModelMonitorSpec), "status": status},
        ["spec"],
    )
    version = _version(MONITOR_COLUMNS, schema) | {"subresources": {"status": {}}}
    return _definition(KIND, PLURAL, SHORT_NAME, version)


def build_plan_crd() -> Json:
    """The CustomResourceDefinition of NodePlan."""
    schema = _object(
        "NodePlan tells the sidecar of one node which pods to read. The operator writes it; users only read it.",
        {"spec": structural_schema(NodePlanSpec, written_by_users=False)},
        ["spec"],
    )
    return _definition(PLAN_KIND, PLAN_PLURAL, "nplan", _version(PLAN_COLUMNS, schema))


class _Dumper(yaml.SafeDumper):
    """YAML as people write it: lists indented under their key, no anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Repeat a value rather than refer to it."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Indent the items of a list under their key."""
        super().increase_indent(flow, indentless=False)


def render_yaml(value: object) -> str:
    """YAML in the order of the keys."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
