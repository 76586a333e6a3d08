"""A small client for Prometheus's HTTP API: what it found, loaded, scraped and says."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Labels = Mapping[str, str]
_TIMEOUT_SECONDS = 10.0


class PrometheusError(RuntimeError):
    """Prometheus did not answer, or refused; the message holds its error type and words."""


class RuleKind(StrEnum):
    """What a rule makes."""

    ALERTING = "alerting"
    RECORDING = "recording"


@dataclass(frozen=True)
class Series:
    """One series with its points, oldest first: pairs of Unix seconds and value. An instant query gives one point."""

    labels: Labels
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True)
class Alert:
    """One alert that an alerting rule has active: `pending` or `firing`."""

    state: str
    labels: Labels
    annotations: Labels

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]


@dataclass(frozen=True)
class Rule:
    """One loaded rule; health is `ok`, `err` or `unknown` (not evaluated yet), state is empty for a recording rule."""

    kind: RuleKind
    group: str
    name: str
    query: str
    health: str
    last_error: str
    state: str
    labels: Labels
    evaluation_seconds: float


@dataclass(frozen=True)
class Target:
    """One scrape target; health is `up`, `down` or `unknown`."""

    pool: str
    address: str
    health: str
    last_error: str
    labels: Labels


@dataclass(frozen=True)
class PrometheusApi:
    """Asks the Prometheus at an address such as `http://10.0.0.1:9090`; raises PrometheusError when it refuses."""

    address: str

    def query(self, expression: str, at_seconds: float | None = None) -> list[Series]:
        """Evaluate an expression at one time (Unix seconds), by default now."""
        form = {"query": expression} | ({} if at_seconds is None else {"time": str(at_seconds)})
        return parse_result(self._ask("query", form))

    def query_range(self, expression: str, start: float, end: float, step_seconds: float) -> list[Series]:
        """Evaluate an expression at every step between two times (Unix seconds)."""
        form = {"query": expression, "start": str(start), "end": str(end), "step": str(step_seconds)}
        return parse_result(self._ask("query_range", form))

    def rules(self) -> list[Rule]:
        """Return every loaded rule."""
        groups = self._ask("rules")["groups"]
        return [_parse_rule(group["name"], rule) for group in groups for rule in group["rules"]]

    def alerts(self) -> list[Alert]:
        """Return every alert that is pending or firing."""
        return [Alert(each["state"], each["labels"], each["annotations"]) for each in self._ask("alerts")["alerts"]]

    def targets(self) -> list[Target]:
        """Return every target that is scraped."""
        return [_parse_target(each) for each in self._ask("targets?state=active")["activeTargets"]]

    def metadata(self) -> Mapping[str, list[Mapping[str, str]]]:
        """Return type, help and unit that the targets give of each metric."""
        found: Mapping[str, list[Mapping[str, str]]] = self._ask("metadata")
        return found

    def config(self) -> str:
        """Return the loaded configuration, as YAML."""
        return str(self._ask("status/config")["yaml"])

    def _ask(self, path: str, form: Mapping[str, str] | None = None) -> Any:
        """Ask without the environment's proxy; a form is sent by POST, so that expressions may be long."""
        body = urllib.parse.urlencode(form).encode() if form else None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.address}/api/v1/{path}", data=body, timeout=_TIMEOUT_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise PrometheusError(f"{path}: {_describe(error.read())} {dict(form or {})}") from error
        except OSError as error:
            raise PrometheusError(f"{path}: {self.address} does not answer: {error}") from error


def parse_result(data: Mapping[str, Any]) -> list[Series]:
    """Parse the answer to a query: a vector, a matrix or a scalar, which becomes one series without labels."""
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return [Series({}, (_parse_point(result),))]
    if kind == "vector":
        return [Series(each["metric"], (_parse_point(each["value"]),)) for each in result]
    if kind == "matrix":
        return [Series(each["metric"], tuple(map(_parse_point, each["values"]))) for each in result]
    raise PrometheusError(f"a result of type {kind} is not read")


def _parse_point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


def _parse_rule(group: str, rule: Mapping[str, Any]) -> Rule:
    return Rule(
        kind=RuleKind(rule["type"]),
        group=group,
        name=rule["name"],
        query=rule["query"],
        health=rule["health"],
        last_error=rule.get("lastError", ""),
        state=rule.get("state", ""),
        labels=rule.get("labels", {}),
        evaluation_seconds=rule["evaluationTime"],
    )


def _parse_target(target: Mapping[str, Any]) -> Target:
    return Target(
        pool=target["scrapePool"],
        address=target["scrapeUrl"],
        health=target["health"],
        last_error=target["lastError"],
        labels=target["labels"],
    )


def _describe(body: bytes) -> str:
    try:
        parsed = json.loads(body)
        return f"{parsed['errorType']}: {parsed['error']}"
    except (ValueError, KeyError, TypeError):
        return repr(body[:200])
