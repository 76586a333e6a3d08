"""PromQL by what it asks; every selector carries the matchers of its scope."""

from dataclasses import dataclass

CLUSTER = 'cluster=~"$cluster"'
"""`cluster` is an external label that only some installations have; All, `.*`, also matches series without it."""

VERDICTS = (("Unhealthy", 3), ("Degraded", 2), ("Unknown", 1), ("Healthy", 0))
"""The verdict as a number, so that the worst is the largest."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which series a page is about, and over which window it takes rates."""

    matchers: str
    window: str = "$__rate_interval"

    def select(self, series: str, more: str = "") -> str:
        """The series of the scope."""
        return f"{series}{{{self.matchers},{more}}}" if more else f"{series}{{{self.matchers}}}"

    def rate(self, series: str, by: str, more: str = "") -> str:
        """Increase of a counter a second."""
        return f"sum by ({by}) (rate({self.select(series, more)}[{self.window}]))"

    def share(self, part: tuple[str, str], whole: str, by: str) -> str:
        """Increase of a counter, of another one's."""
        return f"{self.rate(part[0], by, part[1])} / {self.rate(whole, by)}"

    def worst(self, series: str, by: str, more: str = "") -> str:
        """The largest value: while the leader changes, two pages may carry the same series."""
        return f"max by ({by}) ({self.select(series, more)})" if by else f"max({self.select(series, more)})"

    def age(self, series: str, by: str) -> str:
        """Seconds since a time."""
        return f"time() - max by ({by}) ({self.select(series)})" if by else f"time() - max({self.select(series)})"

    def verdict(self, by: str) -> str:
        """The verdict as a number: 0 Healthy, 1 Unknown, 2 Degraded, 3 Unhealthy."""
        series = "modelmonitor_health_state"
        numbers = " or ".join(f"{value} * {self.select(series, _state(state))}" for state, value in VERDICTS)
        return f"max by ({by}) ({numbers})" if by else f"max({numbers})"

    def failures(self, by: str) -> str:
        """Share of failed requests."""
        total = "modelmonitor_model_requests_total"
        return self.share((total, 'result="failure"'), total, by)

    def latency(self, by: str) -> str:
        """Seconds: the 99th percentile of the slowest pod where Triton publishes it, else the mean of all pods."""
        quantile = self.worst("nv_inference_request_summary_us", by, 'quantile="0.99"')
        mean = self.share(("modelmonitor_model_request_seconds_total", ""), "modelmonitor_model_requests_total", by)
        return f"{_named(f'{quantile} / 1e6', 'p99')} or on ({by}) {_named(mean, 'mean')}"


def _state(state: str) -> str:
    return f'state="{state}"'


def _named(expression: str, name: str) -> str:
    return f'label_replace({expression}, "quantity", "{name}", "", "")'


def or_zero(expression: str, label: str) -> str:
    """0, and `none` as label, where there is no such series: an error counter begins with the first error."""
    return f'{expression} or on () label_replace(vector(0), "{label}", "none", "", "")'


FIRING = 'alertstate="firing"'
MONITOR = Scope(f'{CLUSTER},namespace="$namespace",modelmonitor="$modelmonitor"')
"""One ModelMonitor: both names are constants of its dashboard."""
NAMESPACES = Scope(f'{CLUSTER},namespace=~"$namespace"', "$window")
"""Every ModelMonitor of the chosen namespaces."""
NODES = Scope(f'{CLUSTER},node=~"$node"')
"""What the sidecars say on their own pages."""
INSTALLATION = Scope(CLUSTER)
"""The operator, whatever job scrapes it: its series have names of their own."""
