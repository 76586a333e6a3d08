"""A ledger as a ConfigMap's text, and back. It is at most 64 KiB, and it is believed only if it is ours and whole.

A document of a later version, of another ModelMonitor, cut off or changed by hand is a problem with a name: nothing is
read out of it, nothing is written over it, and the status says what to do. Whoever changes one on purpose removes the
line `digest`; it is then taken as it stands.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from modelmonitor_api.spec_cost import Currency, is_time_zone
from modelmonitor_operator.cost.amounts import Amounts
from modelmonitor_operator.cost.checkpoint_document import parse_checkpoint, render_checkpoint
from modelmonitor_operator.cost.ledger import Beginning, ClosedAccount, Ledger, keep_largest
from modelmonitor_operator.cost.measure import GapReason
from modelmonitor_operator.cost.money import plain
from modelmonitor_operator.cost.tally import GapTotal

SCHEMA_VERSION = 1
DATA_KEY = "ledger.json"
MAX_BYTES = 64 * 1024
_ROOM = 60 * 1024
"""What a document is cut to: the rest is for the ConfigMap's own fields."""
_LARGEST = 10**18

Json = dict[str, Any]


class LedgerFault(StrEnum):
    """What can be wrong with a document; the reason of a condition."""

    UNREADABLE = "LedgerUnreadable"
    EDITED = "LedgerEdited"
    FUTURE_VERSION = "LedgerOfFutureVersion"
    OTHER_MONITOR = "LedgerOfOtherMonitor"


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """Why a document is not believed, with what to do. It must not be written over."""

    fault: LedgerFault
    message: str


class _FaultError(ValueError):
    def __init__(self, fault: LedgerFault, message: str) -> None:
        super().__init__(message)
        self.problem = LedgerProblem(fault, message)


def render_ledger(ledger: Ledger) -> str:
    """The document. What does not fit is left out of the checkpoint first, then of the models."""
    most = 512
    while True:
        text = _render(ledger, most)
        if len(text.encode()) <= _ROOM or most == 1:
            return text
        most //= 2


def parse_ledger(text: str | None, monitor_uid: str) -> Ledger | LedgerProblem:
    """The ledger of a document, or why it is not believed."""
    try:
        return _parse(_load(text), monitor_uid)
    except _FaultError as error:
        return error.problem
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, InvalidOperation, RecursionError) as error:
        return LedgerProblem(
            LedgerFault.UNREADABLE,
            f"the ledger cannot be read ({type(error).__name__}): put it back from a backup, or delete its ConfigMap "
            "and the cost begins again from now",
        )


def _render(ledger: Ledger, most: int) -> str:
    body: Json = {
        "schemaVersion": SCHEMA_VERSION,
        "monitorUid": ledger.monitor_uid,
        "since": ledger.since,
        "beginning": ledger.beginning.value,
        "currency": ledger.currency,
        "timeZone": ledger.zone,
        "models": [[*key, _amounts(one)] for key, one in sorted(keep_largest(ledger, max(2, most)).items())],
        "days": {day: _amounts(one) for day, one in sorted(ledger.days.items())},
        "months": {month: _amounts(one) for month, one in sorted(ledger.months.items())},
        "earlier": _amounts(ledger.earlier),
        "hours": {str(hour): plain(money) for hour, money in sorted(ledger.hours.items())},
        "objectives": {name: dict(sorted(counts.items())) for name, counts in sorted(ledger.objectives.items())},
        "gaps": {
            reason.value: [one.time_us, plain(one.money), one.last] for reason, one in sorted(ledger.gaps.items())
        },
        "closed": [[one.currency, plain(one.spent), one.until] for one in ledger.closed],
        "checkpoint": render_checkpoint(ledger.checkpoint, most, most),
    }
    digest = _digest(body)
    return json.dumps({"digest": digest, **body}, separators=(",", ":"), ensure_ascii=False)


def _digest(body: Json) -> str:
    """A fingerprint that does not depend on spaces or order: it finds accidents, it is no seal against forgery."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _amounts(amounts: Amounts) -> Json:
    """Only what is not zero."""
    return {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in zip(Amounts._fields, amounts, strict=True)
        if value
    }


def _load(text: str | None) -> Json:
    if not text:
        raise _FaultError(
            LedgerFault.UNREADABLE,
            f"the ledger's ConfigMap has no {DATA_KEY}: put it back from a backup, or delete the ConfigMap and the "
            "cost begins again from now",
        )
    if len(text) > 2 * MAX_BYTES:
        raise ValueError("too long")
    loaded = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    if not isinstance(loaded, dict):
        raise TypeError("no object")
    return loaded


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


def _parse(document: Json, monitor_uid: str) -> Ledger:
    version = document["schemaVersion"]
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise _FaultError(
            LedgerFault.FUTURE_VERSION,
            f"the ledger is of version {version}, this operator knows {SCHEMA_VERSION}: run the operator that wrote "
            "it, or a later one; it is left as it is",
        )
    if version != SCHEMA_VERSION:
        raise ValueError("no such version")
    digest = document.pop("digest", None)
    if digest is not None and digest != _digest(document):
        raise _FaultError(
            LedgerFault.EDITED,
            "the ledger was changed by hand: put it back, or remove the line digest from it to have it taken as it is",
        )
    if document["monitorUid"] != monitor_uid:
        raise _FaultError(
            LedgerFault.OTHER_MONITOR,
            "the ledger belongs to another ModelMonitor: it is left as it is; delete its ConfigMap to begin anew",
        )
    return _ledger(document, monitor_uid)


def _ledger(document: Json, monitor_uid: str) -> Ledger:
    currency = document["currency"]
    return Ledger(
        monitor_uid=monitor_uid,
        since=_time(document["since"]),
        beginning=Beginning(document["beginning"]),
        currency=None if currency is None else Currency(currency),
        zone=_zone(document["timeZone"]),
        models={(str(name), str(version)): _parse_amounts(one) for name, version, one in document["models"]},
        days={_day(day): _parse_amounts(one) for day, one in document["days"].items()},
        months={_day(f"{month}-01")[:7]: _parse_amounts(one) for month, one in document["months"].items()},
        earlier=_parse_amounts(document["earlier"]),
        hours={_count(int(hour)): _money(money) for hour, money in document["hours"].items()},
        objectives={
            name: {_day(day): (_count(good), _count(total)) for day, (good, total) in counts.items()}
            for name, counts in document["objectives"].items()
        },
        gaps={
            GapReason(reason): GapTotal(_count(time_us), _money(money), _time(last))
            for reason, (time_us, money, last) in document["gaps"].items()
        },
        closed=tuple(
            ClosedAccount(Currency(code), _money(spent), _time(until)) for code, spent, until in document["closed"]
        ),
        checkpoint=parse_checkpoint(document["checkpoint"]),
    )


def _parse_amounts(found: Mapping[str, object]) -> Amounts:
    unknown = found.keys() - set(Amounts._fields)
    if unknown:
        raise ValueError(f"unknown amounts {sorted(unknown)}")
    return Amounts._make(
        zero if name not in found else _money(found[name]) if isinstance(zero, Decimal) else _count(found[name])
        for name, zero in Amounts()._asdict().items()
    )


def _zone(value: object) -> str:
    if not isinstance(value, str) or not is_time_zone(value):
        raise ValueError("no time zone")
    return value


def _day(value: str) -> str:
    """A day as it is written: an edit that writes it otherwise would be another day."""
    if date.fromisoformat(value).isoformat() != value:
        raise ValueError("no day")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise ValueError("no count")
    return value


def _money(value: object) -> Decimal:
    if not isinstance(value, str) or len(value) > 48:
        raise ValueError("no amount")
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount <= _LARGEST:
        raise ValueError("no amount")
    return amount


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e11:
        raise ValueError("no time")
    return float(value)
