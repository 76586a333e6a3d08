"""The dashboard of one ModelMonitor; the operator fills in names and thresholds (`desired/dashboard.py`)."""

from generate.dashboards.expressions import FIRING, MONITOR
from generate.dashboards.model_cost import COST
from generate.dashboards.model_gpus import GPUS
from generate.dashboards.model_objectives import OBJECTIVES
from generate.dashboards.model_pipeline import PIPELINE
from generate.dashboards.model_serving import EXECUTION, SERVING
from generate.dashboards.pages import (
    ALERT_CHOICES,
    COST_LINK,
    DATASOURCE,
    FLEET_LINK,
    GPU_LINK,
    MODEL_TAG,
    MODEL_UID,
    MODELS_LINK,
    OPERATOR_LINK,
    SEVERITY_CHOICES,
    TAG,
    VERDICT_CHOICES,
    cluster,
)
from generate.dashboards.panel import (
    Color,
    Column,
    Number,
    Page,
    Query,
    Section,
    Selection,
    Step,
    Table,
    Text,
    Unit,
    Variable,
)
from modelmonitor_operator.desired.dashboard_panels import ModelPanel, ModelVariable

_INTRODUCTION = """\
**Read from the top.** *Verdict* is the operator's own, the one of `kubectl get modelmonitors`; *Findings* says why, \
and each code leads to its runbook. Is the verdict good and users still wait? Compare *Latency* with *Queue share*: a \
queue that grows lacks instances, a long execution is the model or its GPU. Is the verdict *Unknown*, or old? Then \
look at *Pipeline* first: what you see is then old as well."""

_NUMBERS = (
    Number(
        title="Verdict",
        description="The operator's verdict.",
        queries=(Query(MONITOR.verdict(""), "verdict"),),
        choices=VERDICT_CHOICES,
        unit=Unit.NONE,
    ),
    Number(
        title="Age of the verdict",
        description="Time since the leader renewed the verdict. Beyond ten minutes nobody judges.",
        queries=(Query(MONITOR.age("modelmonitor_health_observed_timestamp_seconds", ""), "age"),),
        unit=Unit.SECONDS,
        decimals=0,
        steps=(Step(120, Color.WARNING), Step(600, Color.CRITICAL)),
    ),
    Number(
        title="Models",
        description="Model versions that Triton serves, and those that are ready.",
        queries=(Query(MONITOR.worst("modelmonitor_models", "state"), "{{state}}"),),
        unit=Unit.NONE,
    ),
    Number(
        title="Pods",
        description="Pods that the selector matches, that run, and that a sidecar reads.",
        queries=(Query(MONITOR.worst("modelmonitor_pods", "state"), "{{state}}"),),
        unit=Unit.NONE,
        width=5,
    ),
    Number(
        title="GPUs",
        description="GPUs that the pods hold, and those of them without a critical or warning finding.",
        queries=(Query(MONITOR.worst("modelmonitor_gpus", "state"), "{{state}}"),),
        unit=Unit.NONE,
    ),
    Number(
        title="Requests",
        description="Requests a second, of all models.",
        queries=(Query(MONITOR.rate("modelmonitor_model_requests_total", "modelmonitor"), "requests"),),
        unit=Unit.REQUESTS,
        width=3,
    ),
)

_REASONS = (
    Table(
        title="Findings",
        id=ModelPanel.FINDINGS,
        description="What is wrong, as in the status; a code leads to its runbook.",
        queries=(Query(MONITOR.worst("modelmonitor_finding", "severity, code, kind, object")),),
        columns=(
            Column("severity", "Severity", width=110, choices=SEVERITY_CHOICES),
            Column("code", "Finding", width=210, link="${__value.raw}", link_title="Runbook"),
            Column("kind", "What", width=120),
            Column("object", "Which"),
        ),
        sort="Severity",
        descending=False,
        width=14,
        height=7,
        nothing="No findings",
    ),
    Table(
        title="Firing alerts",
        description="What Prometheus tells Alertmanager about this ModelMonitor.",
        queries=(Query(MONITOR.worst("ALERTS", "severity, alertname", FIRING)),),
        columns=(
            Column("severity", "Severity", width=110, choices=ALERT_CHOICES),
            Column("alertname", "Alert"),
        ),
        sort="Severity",
        descending=False,
        width=10,
        height=7,
        nothing="No alert fires",
    ),
)


def _constant(name: ModelVariable, title: str) -> Variable:
    return Variable(name.value, title, Selection.CONSTANT, "", hidden=True)


MODEL = Page(
    uid=MODEL_UID,
    title="ModelMonitor",
    description="One ModelMonitor: its verdict and why, its models, objectives, GPUs, and the monitoring itself.",
    tags=(TAG, MODEL_TAG),
    variables=(
        DATASOURCE,
        cluster("modelmonitor_health_state"),
        _constant(ModelVariable.NAMESPACE, "Namespace"),
        _constant(ModelVariable.MONITOR, "ModelMonitor"),
        _constant(ModelVariable.SERVICE, "Service"),
    ),
    links=(FLEET_LINK, COST_LINK, GPU_LINK, OPERATOR_LINK, MODELS_LINK),
    sections=(
        Section(
            "",
            (Text(title="What to look at first", content=_INTRODUCTION, height=3), *_NUMBERS, *_REASONS),
        ),
        SERVING,
        OBJECTIVES,
        EXECUTION,
        GPUS,
        COST,
        PIPELINE,
    ),
    alerts=MONITOR.matchers,
)
