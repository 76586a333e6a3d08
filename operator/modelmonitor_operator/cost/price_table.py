"""The administrator's price table and the prices on nodes: text from outside, read once, refused with what to write.

The table is a ConfigMap: `currency`, `updated` (a date), `prices.csv` with the columns gpuModel, capacityType and
perGpuHour, and, where energy is charged, `energyPricePerKwh` and `pue`.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from modelmonitor_api.names import GROUP
from modelmonitor_api.spec_cost import AMOUNT_PATTERN, FACTOR_PATTERN, CapacityType, Currency

CURRENCY_KEY, UPDATED_KEY, CSV_KEY = "currency", "updated", "prices.csv"
ENERGY_KEY, PUE_KEY = "energyPricePerKwh", "pue"
COLUMNS = ("gpuModel", "capacityType", "perGpuHour")
MAX_ROWS = 1000

NODE_PRICE = f"{GROUP}/price-per-gpu-hour"
NODE_CURRENCY = f"{GROUP}/price-currency"
NODE_UPDATED = f"{GROUP}/price-updated"

_CAPACITY_LABELS: tuple[tuple[str, dict[str, CapacityType]], ...] = (
    (
        "karpenter.sh/capacity-type",
        {"spot": CapacityType.SPOT, "on-demand": CapacityType.ON_DEMAND, "reserved": CapacityType.RESERVED},
    ),
    (
        "eks.amazonaws.com/capacityType",
        {"spot": CapacityType.SPOT, "on_demand": CapacityType.ON_DEMAND, "capacity_block": CapacityType.RESERVED},
    ),
    ("cloud.google.com/gke-spot", {"true": CapacityType.SPOT}),
    ("cloud.google.com/gke-preemptible", {"true": CapacityType.SPOT}),
    ("kubernetes.azure.com/scalesetpriority", {"spot": CapacityType.SPOT, "regular": CapacityType.ON_DEMAND}),
)
"""Labels by which providers say how a node was bought. Sources: https://karpenter.sh/docs/concepts/nodepools/,
https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html,
https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms,
https://learn.microsoft.com/azure/aks/spot-node-pool"""


class PriceError(ValueError):
    """A price from outside the ModelMonitor that cannot be used; the message says what to write."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One row of a table."""

    gpu_model: str
    capacity_type: CapacityType
    per_hour: Decimal


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The administrator's table.

    Attributes:
        where: `namespace/name` of its ConfigMap.
        updated: when its prices were looked up.
    """

    where: str
    currency: Currency
    rows: tuple[PriceRow, ...]
    updated: date | None = None
    energy_per_kwh: Decimal | None = None
    pue: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class NodePrice:
    """A price on the node itself."""

    currency: Currency
    per_hour: Decimal
    updated: date | None = None


def parse_amount(text: str | None, where: str) -> Decimal:
    """An amount above zero as `spec.cost` writes it.

    Raises:
        PriceError: it is none.
    """
    if not re.fullmatch(AMOUNT_PATTERN, text or "") or not (amount := Decimal(text or "0")):
        raise PriceError(f'{where}: {_quote(text)} is no amount above 0: write for example "2.50"')
    return amount


def parse_table(where: str, data: Mapping[str, str]) -> PriceTable:
    """The price table of a ConfigMap's data.

    Raises:
        PriceError: it is no such table, or a row of it is not.
    """
    rows = tuple(_parse_rows(where, data.get(CSV_KEY, "")))
    if not rows:
        raise PriceError(
            f"{where}: it has no row: write under {CSV_KEY} a head {','.join(COLUMNS)} and a line for each"
        )
    seen: set[tuple[str, CapacityType]] = set()
    for row in rows:
        if (key := (row.gpu_model.casefold(), row.capacity_type)) in seen:
            raise PriceError(f"{where}: {_quote(row.gpu_model)}, {row.capacity_type} has two rows: keep one of them")
        seen.add(key)
    energy = data.get(ENERGY_KEY)
    pue = data.get(PUE_KEY, "1").strip()
    if not re.fullmatch(FACTOR_PATTERN, pue):
        raise PriceError(f'{where}: {PUE_KEY} {_quote(pue)} is no factor from 1 to below 10: write for example "1.4"')
    return PriceTable(
        where,
        _parse_currency(data.get(CURRENCY_KEY), where),
        rows,
        _parse_date(data.get(UPDATED_KEY), where),
        parse_amount(energy.strip(), f"{where}: {ENERGY_KEY}") if energy is not None else None,
        Decimal(pue),
    )


def parse_node_price(node: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> NodePrice | None:
    """The price that a node carries; None where it carries none. An annotation wins over a label.

    Raises:
        PriceError: it cannot be read.
    """
    found = {**labels, **annotations}
    if NODE_PRICE not in found:
        return None
    where = f"node {node}"
    amount = parse_amount(found[NODE_PRICE], f"{where}: {NODE_PRICE}")
    return NodePrice(
        _parse_currency(found.get(NODE_CURRENCY), where), amount, _parse_date(found.get(NODE_UPDATED), where)
    )


def capacity_type(labels: Mapping[str, str]) -> CapacityType:
    """How a node was bought, by the labels of the common providers; ON_DEMAND where none says otherwise."""
    for label, meanings in _CAPACITY_LABELS:
        meant = meanings.get(labels.get(label, "").lower())
        if meant is not None:
            return meant
    return CapacityType.ON_DEMAND


def _parse_rows(where: str, text: str) -> list[PriceRow]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) > MAX_ROWS:
        raise PriceError(f"{where}: it has more than {MAX_ROWS} rows: keep those of the GPUs that you have")
    found = csv.DictReader(lines, skipinitialspace=True)
    if lines and tuple(found.fieldnames or ()) != COLUMNS:
        raise PriceError(f"{where}: the first line of {CSV_KEY} is not {','.join(COLUMNS)}: write it so")
    try:
        return [_parse_row(f"{where}: {CSV_KEY} line {number}", row) for number, row in enumerate(found, 2)]
    except csv.Error as error:
        raise PriceError(f"{where}: {CSV_KEY} is no table: {error}") from error


def _parse_row(where: str, row: Mapping[str | None, str | None]) -> PriceRow:
    if None in row or None in row.values() or not row["gpuModel"]:
        raise PriceError(f"{where}: a row has {len(COLUMNS)} fields: {','.join(COLUMNS)}")
    bought = (row["capacityType"] or "").strip() or CapacityType.ANY
    if bought not in list(CapacityType):
        raise PriceError(f"{where}: {_quote(bought)} is none of {', '.join(CapacityType)}")
    return PriceRow(row["gpuModel"], CapacityType(bought), parse_amount((row["perGpuHour"] or "").strip(), where))


def _parse_currency(text: str | None, where: str) -> Currency:
    try:
        return Currency((text or "").strip())
    except ValueError as error:
        raise PriceError(f"{where}: {_quote(text)} is no currency that is known: write for example USD") from error


def _parse_date(text: str | None, where: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise PriceError(f"{where}: {_quote(text)} is no date: write for example 2026-01-31") from error


def _quote(text: str | None) -> str:
    """What somebody wrote, short enough for a message."""
    return repr((text or "")[:40])
