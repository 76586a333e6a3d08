"""For each alert: series that fire it, series that must not, no series, and too little traffic where traffic counts."""

from collections.abc import Iterator, Mapping

from modelmonitor_api.alert_names import AlertName, finding_alert
from modelmonitor_api.findings import FindingCode
from tests.apiserver.rule_cases_base import OWN, TARGET, Case, series
from tests.apiserver.rule_cases_cost import cost_cases

N = AlertName


def finding_cases() -> Iterator[Case]:
    """Each finding by itself, and through a change of leader."""
    for code in FindingCode:
        alert = finding_alert(code)
        about = {"code": code.value, "kind": "Pod", "object": "t1"}
        fired = {**about, "severity": "critical"}
        one = series("modelmonitor_finding", **about, severity="Critical", instance="a")
        two = series("modelmonitor_finding", **about, severity="Critical", instance="b")
        other = series("modelmonitor_finding", {**OWN, "modelmonitor": "else"}, **about, severity="Critical")
        yield Case(alert, "fires on its finding", {one: "1x30"}, 20, (fired,))
        yield Case(alert, "is silent on another monitor's finding", {other: "1x30"})
        yield Case(alert, "is silent without any finding")
        moved = {one: "1x20 stale _x20", two: "_x24 1x20"}
        yield Case(alert, "goes on while the leader changes", moved, 22, (fired,))
        yield Case(alert, "is one alert after the leader has changed", moved, 30, (fired,))
        yield Case(alert, "ends ten minutes after its finding", {one: "1x20 stale _x20"}, 32)
    code, about = FindingCode.MODEL_NOT_READY, {"code": "ModelNotReady", "kind": "Model", "object": "m"}
    for severity in ("Warning", "Info"):
        given = series("modelmonitor_finding", **about, severity=severity)
        fired = {**about, "severity": severity.lower()}
        yield Case(finding_alert(code), f"is {severity.lower()} where the finding is", {given: "1x30"}, 20, (fired,))


def pipeline_cases() -> Iterator[Case]:
    """Scrapes and pages."""
    warning = {"severity": "warning"}
    a, b = (series("up", TARGET, endpoint="sidecar", node="n1", instance=one) for one in ("a", "b"))
    down = {"service": "modelmonitor-fraud", "node": "n1", **warning}
    yield Case(N.SIDECAR_DOWN, "fires where a node's sidecar cannot be scraped", {a: "0x30"}, firing=(down,))
    yield Case(N.SIDECAR_DOWN, "is silent where one of the node's addresses answers", {a: "0x30", b: "1x30"})
    yield Case(N.SIDECAR_DOWN, "is silent without a target")
    leader = series("up", TARGET, endpoint="leader", instance="a")
    no_leader = {"service": "modelmonitor-fraud", **warning}
    yield Case(N.LEADER_DOWN, "fires where the leader cannot be scraped", {leader: "0x30"}, firing=(no_leader,))
    yield Case(N.LEADER_DOWN, "is silent where it can", {leader: "1x30"})
    yield Case(N.LEADER_DOWN, "is silent without a target")
    target = series("modelmonitor_target_up", pod="t1", endpoint="http", node="n1", container="triton")
    dead = {"pod": "t1", "endpoint": "http", **warning}
    yield Case(N.TARGET_DOWN, "fires where an endpoint does not answer", {target: "0x30"}, firing=(dead,))
    yield Case(
        N.TARGET_DOWN, "is silent where it answers now and then", {target: "0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0"}, 17
    )
    yield Case(N.TARGET_DOWN, "is silent without a target")
    read = series("modelmonitor_target_last_reading_timestamp_seconds", pod="t1", node="n1", container="triton")
    yield Case(N.TARGET_STALE, "fires on an old reading", {read: "60x30"}, firing=({"pod": "t1", **warning},))
    yield Case(N.TARGET_STALE, "is silent on fresh readings", {read: "0+60x30"})
    yield Case(N.TARGET_STALE, "is silent before the first reading")
    page, triton = (
        series("modelmonitor_page_dropped_series", node="n1"),
        series("modelmonitor_target_dropped_series", node="n1", pod="t1", container="triton"),
    )
    cut = {"node": "n1", **warning}
    yield Case(N.SERIES_DROPPED, "fires where a page is cut", {page: "7x30"}, firing=(cut,))
    yield Case(N.SERIES_DROPPED, "fires where Triton's is", {triton: "7x30"}, firing=({"pod": "t1", **cut},))
    yield Case(N.SERIES_DROPPED, "is silent where none is", {page: "0x30", triton: "0x30"})
    yield Case(N.SERIES_DROPPED, "is silent without a page")


def absence_cases() -> Iterator[Case]:
    """What is missing, and what may be missing."""
    fired = ({"severity": "warning"},)
    page = series("modelmonitor_page_series", node="n1")
    one, two = (series("modelmonitor_pods", state="running", instance=instance) for instance in ("a", "b"))
    yield Case(N.NOT_SCRAPED, "fires where pods run and no page arrives", {one: "3x30"}, firing=fired)
    yield Case(N.NOT_SCRAPED, "fires where nothing has ever arrived", firing=fired)
    yield Case(N.NOT_SCRAPED, "fires when the leader is lost too", {one: "3x5 stale _x60"}, 60, fired)
    yield Case(N.NOT_SCRAPED, "is silent where a page arrives", {one: "3x30", page: "90x30"})
    yield Case(N.NOT_SCRAPED, "is silent where no pod runs", {one: "0x30"})
    yield Case(N.NOT_SCRAPED, "is silent where no pod ran when the leader was lost", {one: "0x5 stale _x200"}, 180)
    yield Case(N.NOT_SCRAPED, "believes the new leader alone", {one: "3x5 stale _x60", two: "_x6 0x60"}, 60)
    verdict = series("modelmonitor_health_state", state="Healthy")
    yield Case(N.LEADER_NOT_SCRAPED, "fires where nothing has ever arrived", firing=fired)
    yield Case(N.LEADER_NOT_SCRAPED, "fires without a verdict", {page: "90x30"}, firing=fired)
    yield Case(N.LEADER_NOT_SCRAPED, "is silent with one", {verdict: "1x30"})
    ready = series("modelmonitor_model_ready", pod="t1", model="m", version="1")
    triton = series("nv_inference_request_success", pod="t1", model="m", version="1")
    counted = series("modelmonitor_model_requests_total", pod="t1", model="m", version="1", result="success")
    counters = N.TRITON_COUNTERS_ABSENT
    yield Case(counters, "fires where models are READY and nothing is counted", {ready: "1x40"}, 30, fired)
    yield Case(counters, "fires where Triton's page counts nothing", {ready: "1x40", counted: "0x40"}, 30, fired)
    yield Case(counters, "fires where the statistics count nothing", {ready: "1x40", triton: "0x40"}, 30, fired)
    yield Case(
        counters, "is silent where both count, without a request", {ready: "1x40", triton: "0x40", counted: "0x40"}, 30
    )
    yield Case(counters, "is silent where no model is READY", {ready: "0x40"}, 30)
    yield Case(counters, "is silent where no pod runs", {one: "0x40"}, 30)
    yield Case(counters, "is silent without series", {}, 30)
    given, shared = (
        series("modelmonitor_pod_gpu_allocation_info", pod="t1", uuid="GPU-1", sharing=sharing)
        for sharing in ("exclusive", "timeslice")
    )
    read = series("modelmonitor_pod_gpu_last_reading_timestamp_seconds", pod="t1", uuid="GPU-1")
    held = series("modelmonitor_gpus", state="held")
    gpus = N.GPU_READINGS_ABSENT
    yield Case(gpus, "fires where GPUs are held and not read", {given: "1x40"}, 30, fired)
    yield Case(gpus, "fires where the last reading is old", {given: "1x40", read: "60x40"}, 30, fired)
    yield Case(gpus, "is silent where they are read", {given: "1x40", read: "0+60x40"}, 30)
    yield Case(gpus, "is silent where GPUs are shared, which gives no reading", {shared: "1x40", held: "1x40"}, 30)
    yield Case(gpus, "is silent where pods hold no GPU", {held: "0x40", page: "9x40"}, 30)
    yield Case(gpus, "is silent without series", {}, 30)
    yield from _latency_absence()


def _latency_absence() -> Iterator[Case]:
    traffic = series("modelmonitor_model_requests_total", pod="t1", model="fraud-a", version="1", result="success")
    quantile = series("nv_inference_request_summary_us", pod="t1", model="fraud-a", version="1", quantile="0.99")
    sloth = {"sloth_id": "team-a.fraud.fast", "sloth_service": "team-a.fraud", "sloth_slo": "fast"}
    fired = ({**sloth, "severity": "warning"},)
    absent = N.LATENCY_ABSENT
    yield Case(absent, "fires on requests without a latency", {traffic: "0+60x90"}, 80, fired)
    yield Case(absent, "is silent where there is a latency", {traffic: "0+60x90", quantile: "9x90"}, 80)
    yield Case(absent, "is silent without requests", {traffic: "0x90"}, 80)
    yield Case(absent, "is silent without series", {}, 80)
    yield Case(absent, "is silent below the least traffic", {traffic: "0+0.2x90"}, 80)
    other = series("modelmonitor_model_requests_total", pod="t1", model="else", version="1", result="success")
    yield Case(absent, "is silent on requests of other models", {other: "0+60x90"}, 80)
    mute = series("modelmonitor_model_requests_total", pod="t1", model="mute", version="1", result="success")
    unknown = {"sloth_id": "team-a.fraud.unknown", "sloth_service": "team-a.fraud", "sloth_slo": "unknown"}
    fired = ({**unknown, "severity": "warning"},)
    yield Case(absent, "fires for an objective that nothing can judge", {mute: "0+60x90"}, 80, fired)


def budget_cases() -> Iterator[Case]:
    """Error budgets of the three ways to judge."""
    yield from _availability()
    yield from _time_slices()
    yield from _histogram()


def _labels(objective: str, severity: str, sloth_severity: str) -> dict[str, str]:
    sloth = {"sloth_id": f"team-a.fraud.{objective}", "sloth_service": "team-a.fraud", "sloth_slo": objective}
    return {**sloth, "severity": severity, "sloth_severity": sloth_severity}


def _availability() -> Iterator[Case]:
    good, bad = (
        series("modelmonitor_model_requests_total", pod="t1", model="m", version="1", result=result)
        for result in ("success", "failure")
    )
    page, ticket = _labels("available", "critical", "page"), _labels("available", "warning", "ticket")
    fast, slow = N.AVAILABILITY_BURN_FAST, N.AVAILABILITY_BURN_SLOW
    tenth = {good: "0+90x180", bad: "0+10x180"}
    yield Case(fast, "fires where a tenth of the requests fails", tenth, 90, (page,))
    yield Case(slow, "fires there too", tenth, 90, (ticket,))
    evenly = {good: "0+9995x180", bad: "0+5x180"}
    yield Case(fast, "is silent while half of the budget is spent", evenly, 90)
    yield Case(slow, "is silent while half of the budget is spent", evenly, 90)
    fourfold = {good: "0+9960x180", bad: "0+40x180"}
    yield Case(fast, "is silent at four times the even rate", fourfold, 150)
    yield Case(slow, "fires at four times the even rate", fourfold, 150, (ticket,))
    yield Case(fast, "is silent without series", {}, 90)
    yield Case(slow, "is silent without series", {}, 90)
    few = {good: "0x180", bad: "0+0.1x180"}
    yield Case(fast, "is silent where ten requests fail in ninety minutes", few, 90)
    yield Case(slow, "is silent where ten requests fail in ninety minutes", few, 90)
    none = {good: "7x180", bad: "3x180"}
    yield Case(fast, "is silent without requests", none, 90)
    mended = {good: "0+90x180", bad: "0+10x90 900x90"}
    yield Case(fast, "ends soon after the failures", mended, 125)
    restarted = {good: "0+90x60 0+90x60", bad: "0x120"}
    yield Case(fast, "is silent where counters begin anew", restarted, 90)


def _time_slices() -> Iterator[Case]:
    where = {"pod": "t1", "container": "triton", "model": "fraud-a", "version": "1"}
    traffic = series("modelmonitor_model_requests_total", **where, result="success")
    p99 = series("nv_inference_request_summary_us", **where, quantile="0.99")
    p50 = series("nv_inference_request_summary_us", **where, quantile="0.5")
    page, ticket = _labels("fast", "critical", "page"), _labels("fast", "warning", "ticket")
    fast, slow = N.LATENCY_BURN_FAST, N.LATENCY_BURN_SLOW

    def case(alert: AlertName, what: str, given: Mapping[str, str], *firing: Mapping[str, str]) -> Case:
        return Case(alert, what, given, 90, firing, interval="15s")

    busy, slower = {traffic: "0+15x400"}, {p99: "80000x400"}
    yield case(fast, "fires where every minute is too slow", {**busy, **slower}, page)
    yield case(slow, "fires where every minute is too slow", {**busy, **slower}, ticket)
    well = {**busy, p99: "50000x400", p50: "90000x400"}
    yield case(fast, "is silent where every minute is fast enough", well)
    yield case(slow, "is silent where every minute is fast enough", well)
    sometimes = {**busy, p99: " ".join(["30000x95 80000x3"] * 5)}
    yield case(fast, "is silent where one minute of twenty-five is slow", sometimes)
    yield case(slow, "fires where one minute of twenty-five is slow", sometimes, ticket)
    yield case(fast, "is silent without requests", {traffic: "5x400", **slower})
    yield case(slow, "is silent without requests", {traffic: "5x400", **slower})
    yield case(fast, "is silent on few requests", {traffic: "0+0.03x400", **slower})
    yield case(slow, "is silent on few requests", {traffic: "0+0.03x400", **slower})
    yield case(fast, "is silent where Triton has no quantile of the minute", {**busy, p99: "NaN " * 400})
    yield case(fast, "is silent without series", {})
    yield case(slow, "is silent without series", {})
    elsewhere = {"pod": "t1", "container": "triton", "model": "else", "version": "1"}
    others = {
        series("modelmonitor_model_requests_total", **elsewhere, result="success"): "0+15x400",
        series("nv_inference_request_summary_us", **elsewhere, quantile="0.99"): "80000x400",
    }
    yield case(fast, "is silent on other models", others)


def _histogram() -> Iterator[Case]:
    where = {"pod": "t1", "container": "triton", "model": "chat", "version": "1"}
    name = "nv_inference_first_response_histogram_ms"
    total = series(f"{name}_count", **where)
    page, ticket = _labels("first", "critical", "page"), _labels("first", "warning", "ticket")
    for bound in ("500", "500.0"):
        bucket, wider = (series(f"{name}_bucket", **where, le=le) for le in (bound, "2000"))
        given = {total: "0+100x180", bucket: "0+50x180", wider: "0+100x180"}
        yield Case(N.LATENCY_BURN_FAST, f"fires where half is above the bound {bound}", given, 90, (page,))
        yield Case(N.LATENCY_BURN_SLOW, f"fires where half is above the bound {bound}", given, 90, (ticket,))
        well = {total: "0+100x180", bucket: "0+100x180"}
        yield Case(N.LATENCY_BURN_FAST, f"is silent where all is below the bound {bound}", well, 90)
        few = {total: "0+0.1x180", bucket: "0x180"}
        yield Case(N.LATENCY_BURN_FAST, f"is silent on few responses above the bound {bound}", few, 90)
    between = {total: "0+100x180", series(f"{name}_bucket", **where, le="100"): "0x180"}
    yield Case(N.LATENCY_BURN_FAST, "is silent where the threshold is no bound", between, 90)


CASES = (*finding_cases(), *pipeline_cases(), *absence_cases(), *budget_cases(), *cost_cases())
