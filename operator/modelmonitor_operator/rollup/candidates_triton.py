"""What is wrong with a Triton server as a whole, pod by pod."""

from collections.abc import Iterator

from modelmonitor_api.findings import FINDINGS, FindingCode, ObjectKind, Severity
from modelmonitor_api.plan import PlannedPod
from modelmonitor_api.summary import EndpointReading, EndpointState, ModelWindow, TargetReading
from modelmonitor_operator.rollup.candidates import Candidate, FindingKey, default_severity, render_count
from modelmonitor_operator.rollup.coverage import Coverage, PodView
from modelmonitor_operator.rollup.models import UNLOADED
from modelmonitor_operator.rollup.view import MonitorView

_WELL = (EndpointState.OK, EndpointState.PENDING)

_WORDS = {
    EndpointState.REFUSED: (
        "refuses connections",
        "check that Triton runs, and its port: spec.triton and the server's --http-port and --metrics-port",
    ),
    EndpointState.TIMEOUT: (
        "does not answer within 2s",
        "check that a NetworkPolicy lets the sidecars reach the pod, and the pod's CPU",
    ),
    EndpointState.UNREACHABLE: (
        "cannot be reached",
        "check that a NetworkPolicy lets the sidecars reach the pod",
    ),
    EndpointState.TLS: (
        "speaks TLS",
        "plain HTTP is read: name a port without TLS in spec.triton, or end TLS before Triton",
    ),
    EndpointState.FORBIDDEN: (
        "refuses access (401 or 403)",
        "a proxy or service mesh asks for credentials: exempt this port for the sidecars",
    ),
    EndpointState.HTML: (
        "answers an HTML page",
        "another server, a dashboard or a proxy, listens there: correct the port in spec.triton",
    ),
    EndpointState.EMPTY: (
        "answers an empty page",
        "Triton answers unknown paths of its metrics port so: correct the port, and do not start it with "
        "--allow-metrics=false",
    ),
    EndpointState.TOO_LARGE: (
        "answers more than 4 MiB",
        "that is no Triton page of ordinary size: correct the port, or serve fewer models in one server",
    ),
    EndpointState.MALFORMED: (
        "answers something that is not Triton's",
        "another server listens there: correct the port in spec.triton",
    ),
    EndpointState.HTTP_ERROR: (
        "answers an HTTP error",
        "see Triton's log",
    ),
}


def _fresh(view: MonitorView) -> Iterator[tuple[PodView, TargetReading]]:
    for one in view.pods:
        if one.coverage is Coverage.READ and one.target is not None:
            yield one, one.target


def _endpoint_words(name: str, port: int, endpoint: EndpointReading) -> str:
    """What an endpoint does and the next step, in the sidecar's words where it gives any."""
    if endpoint.message:
        return f"{name} endpoint: {endpoint.message}"
    does, step = _WORDS.get(endpoint.state, ("does not answer as Triton does", "see Triton's log"))
    return f"{name} endpoint on port {port} {does}: {step}"


def triton_unreachable(view: MonitorView) -> Iterator[Candidate]:
    """Endpoints that do not answer as Triton does; a warning where the models can still be judged."""
    for one, target in _fresh(view):
        planned = one.planned
        if not isinstance(planned, PlannedPod):
            continue
        http_bad, metrics_bad = target.http.state not in _WELL, target.metrics.state not in _WELL
        if not (http_bad or metrics_bad):
            continue
        bad = target.http if http_bad else target.metrics
        name, port = ("HTTP", planned.http_port) if http_bad else ("metrics", planned.metrics_port)
        sentence = _endpoint_words(name, port, bad)
        both = ", and the metrics endpoint does not answer either" if http_bad and metrics_bad else ""
        container = f" -c {one.container}" if one.container else ""
        yield Candidate(
            FindingKey(FindingCode.TRITON_UNREACHABLE, ObjectKind.POD, one.pod.name),
            default_severity(FindingCode.TRITON_UNREACHABLE) if http_bad else Severity.WARNING,
            f"{bad.state}: pod {one.pod.name}: Triton's {sentence}{both}. "
            f"See: kubectl -n {one.pod.namespace} logs {one.pod.name}{container} --tail=50",
            sources=(one.source,),
        )


def _explained(target: TargetReading) -> bool:
    """Whether a model that is not ready explains why the server is not: one broken model is enough."""
    return any(model.ready is False and model.state_reason.strip().lower() != UNLOADED for model in target.models)


def triton_not_ready(view: MonitorView) -> Iterator[Candidate]:
    """Servers that answer, and say that they are not ready, without a model to blame."""
    for one, target in _fresh(view):
        if target.http.state is EndpointState.OK and target.server_ready is False and not _explained(target):
            container = f" -c {one.container}" if one.container else ""
            yield Candidate(
                FindingKey(FindingCode.TRITON_NOT_READY, ObjectKind.POD, one.pod.name),
                default_severity(FindingCode.TRITON_NOT_READY),
                f"Triton in pod {one.pod.name} answers /v2/health/ready with an error, though "
                f"none of its {render_count(len(target.models), 'listed model')} is to blame: "
                f"it is starting, ending or stuck. "
                f"See: kubectl -n {one.pod.namespace} logs {one.pod.name}{container} --tail=50",
                sources=(one.source,),
            )


def _counted(target: TargetReading, window_seconds: int) -> tuple[int, int] | None:
    """Requests of the window by the statistics API and by the metrics page; None where the page has no such series."""
    windows: list[ModelWindow] = [
        window for model in target.models for window in model.windows if window.window_seconds == window_seconds
    ]
    by_page = [window.metrics_requests for window in windows if window.metrics_requests is not None]
    if not by_page:
        return None
    return sum(window.successes + window.failures for window in windows), sum(by_page)


def counters_frozen(view: MonitorView) -> Iterator[Candidate]:
    """Servers whose statistics count while their metrics page stands still."""
    least = FINDINGS[FindingCode.COUNTERS_FROZEN].threshold or 1.0
    for one, target in _fresh(view):
        if target.http.state is not EndpointState.OK or target.metrics.state is not EndpointState.OK:
            continue
        counted = _counted(target, view.spec.health.window_seconds)
        if counted is None or counted[0] < least or counted[1] > 0:
            continue
        yield Candidate(
            FindingKey(FindingCode.COUNTERS_FROZEN, ObjectKind.POD, one.pod.name),
            default_severity(FindingCode.COUNTERS_FROZEN),
            f"the metrics page of pod {one.pod.name} counted 0 requests in the last {view.window}, Triton's statistics "
            f"{counted[0]}: dashboards and alerts on nv_inference_* see nothing. The server runs with "
            "--metrics-config=counter_latencies=false: remove that flag and restart it",
            sources=(one.source,),
            weight=counted[0],
        )
