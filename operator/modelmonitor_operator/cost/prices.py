"""Which price a GPU has: the first that answers of the ModelMonitor, the price table and the node.

An administrator can lock prices; then the ModelMonitor's are passed over. Without a price there is no money: time and
energy are still told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase

from modelmonitor_api.spec_cost import CapacityType, CostSpec, Currency, OnPremises
from modelmonitor_operator.cost.price_table import NodePrice, PriceTable
from modelmonitor_operator.cost.reference_prices import is_sane, reference_price

HOURS_A_YEAR = Decimal(8766)
"""365.25 days."""


class PriceSource(StrEnum):
    """Who said a price."""

    MODEL_MONITOR = "ModelMonitor"
    PRICE_TABLE = "PriceTable"
    NODE = "Node"


@dataclass(frozen=True, slots=True)
class Price:
    """What one whole GPU costs for one hour, in the currency of its list.

    Attributes:
        where: the field, table or node that says so.
        updated: when it was looked up, where that is known.
        includes_energy: measured energy is not charged in addition.
    """

    per_hour: Decimal
    source: PriceSource
    where: str
    updated: date | None = None
    includes_energy: bool = False


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says about prices.

    Attributes:
        gone: it was deleted; what its last pods held has yet to be charged.
    """

    capacity_type: CapacityType = CapacityType.ON_DEMAND
    price: NodePrice | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices of one monitor.

    Attributes:
        locked: the ModelMonitor's own prices do not count.
        problems: why a table or a node's price cannot be used, for the status.
        settled: the currency, where `keeping` has found it.
    """

    spec: CostSpec | None = None
    table: PriceTable | None = None
    nodes: Mapping[str, NodeFacts] = field(default_factory=dict)
    locked: bool = False
    problems: tuple[str, ...] = ()
    settled: Currency | None = None

    @property
    def _own(self) -> CostSpec | None:
        return None if self.locked else self.spec

    @property
    def currency(self) -> Currency | None:
        """The one currency of everything: the first source's in the chain that has one."""
        return self.settled or self._settle(None)

    def keeping(self, currency: Currency | None) -> "PriceList":
        """The same for a ledger in this currency: it changes where the ModelMonitor or a table says so.

        Nodes come and go, and a table may be away for a moment.
        """
        return replace(self, settled=self._settle(currency))

    def _settle(self, kept: Currency | None) -> Currency | None:
        """Locked prices are in the administrator's currency, whatever the ModelMonitor writes."""
        wished = self.spec.currency if self.spec is not None else None
        listed = self.table.currency if self.table is not None else None
        if self.locked:
            return listed or self._of_nodes(kept) or wished or kept
        return wished or listed or kept or self._of_nodes(kept)

    def _of_nodes(self, kept: Currency | None) -> Currency | None:
        told = [(facts.price.currency, facts.gone) for _, facts in sorted(self.nodes.items()) if facts.price]
        if any(currency is kept for currency, _ in told):
            return kept
        return next((currency for currency, gone in told if not gone), None)

    @property
    def energy_per_kwh(self) -> Decimal | None:
        """What a kilowatt-hour at the GPU costs, the site's overhead included; None where energy is not charged."""
        own = self._own
        if own is not None and own.energy_price_per_kwh is not None:
            return Decimal(own.energy_price_per_kwh) * Decimal(own.pue)
        if self.table is not None and self.table.energy_per_kwh is not None and self.table.currency == self.currency:
            return self.table.energy_per_kwh * self.table.pue
        return None

    def gpu_hour(self, node: str, gpu_model: str) -> Price | None:
        """The price of a GPU of a node; None where nothing says one in the right currency."""
        bought = self.nodes.get(node, NodeFacts()).capacity_type
        return self._of_spec(gpu_model, bought) or self._of_table(gpu_model, bought) or self._of_node(node)

    def mixed_currencies(self) -> tuple[str, ...]:
        """Sources that are passed over because they speak of another currency."""
        found = []
        if self.table is not None and self.table.currency != self.currency:
            found.append(f"price table {self.table.where} ({self.table.currency})")
        for node, facts in sorted(self.nodes.items()):
            if facts.price is not None and facts.price.currency != self.currency and not facts.gone:
                found.append(f"node {node} ({facts.price.currency})")
        return tuple(found)

    def _of_spec(self, gpu_model: str, bought: CapacityType) -> Price | None:
        own = self._own
        if own is None:
            return None
        rows = ((row.gpu_model, row.capacity_type, row.per_gpu_hour) for row in own.prices)
        best = _best(rows, gpu_model, bought)
        if best is not None:
            return Price(Decimal(best[1]), PriceSource.MODEL_MONITOR, f"spec.cost.prices[{best[0]}]")
        for made in sorted(own.on_premises, key=lambda one: one.gpu_model == "*"):
            if _names(made.gpu_model, gpu_model):
                where = f"spec.cost.onPremises[{made.gpu_model}]"
                hourly = on_premises_price(made, own.energy_price_per_kwh, own.pue)
                return Price(hourly, PriceSource.MODEL_MONITOR, where, includes_energy=made.power_watts is not None)
        if own.price_per_gpu_hour is None:
            return None
        return Price(Decimal(own.price_per_gpu_hour), PriceSource.MODEL_MONITOR, "spec.cost.pricePerGpuHour")

    def _of_table(self, gpu_model: str, bought: CapacityType) -> Price | None:
        table = self.table
        if table is None or table.currency != self.currency:
            return None
        rows = ((row.gpu_model, row.capacity_type, str(row.per_hour)) for row in table.rows)
        best = _best(rows, gpu_model, bought)
        if best is None:
            return None
        return Price(Decimal(best[1]), PriceSource.PRICE_TABLE, f"{table.where}[{best[0]}]", table.updated)

    def _of_node(self, node: str) -> Price | None:
        price = self.nodes.get(node, NodeFacts()).price
        if price is None or price.currency != self.currency:
            return None
        return Price(price.per_hour, PriceSource.NODE, f"node {node}", price.updated)


def on_premises_price(made: OnPremises, energy_per_kwh: str | None, pue: str) -> Decimal:
    """Purchase cost over the hours of its life, and rated power at the price of energy."""
    hourly = Decimal(made.purchase_cost) / (Decimal(made.life_years) * HOURS_A_YEAR)
    if made.power_watts is None or energy_per_kwh is None:
        return hourly
    return hourly + Decimal(made.power_watts) / 1000 * Decimal(pue) * Decimal(energy_per_kwh)


def warn_of(price: Price, gpu_model: str, currency: Currency) -> str | None:
    """What is odd about a price, held against the built-in reference; None where it is sane or nothing is known."""
    reference = reference_price(gpu_model, currency)
    if reference is None or is_sane(price.per_hour, reference):
        return None
    times = price.per_hour / reference
    return (
        f"{price.where}: {price.per_hour:.2f} {currency} for an hour of {gpu_model} is {float(times):.2g} times the "
        f"reference of {reference:.2f}: is it by the hour, by one GPU, in {currency}?"
    )


def _names(pattern: str, gpu_model: str) -> bool:
    return fnmatchcase(gpu_model.casefold(), pattern.casefold())


def _best(
    rows: Iterable[tuple[str, CapacityType, str]], gpu_model: str, bought: CapacityType
) -> tuple[str, str] | None:
    """Pattern and price of the row that names the GPU most closely: its own name before a pattern, then how it was
    bought before Any, then the longer pattern."""
    fitting = [
        ((pattern.casefold() == gpu_model.casefold(), bound is not CapacityType.ANY, len(pattern)), pattern, price)
        for pattern, bound, price in rows
        if bound in (bought, CapacityType.ANY) and _names(pattern, gpu_model)
    ]
    return max(fitting)[1:] if fitting else None
