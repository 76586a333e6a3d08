"""The prices that administrators set, in memory: the price table and what nodes say. Watches change it.

All price lists share one view of the nodes, which is made anew when a node has changed.
"""

from collections.abc import Mapping
from dataclasses import replace

from modelmonitor_api.spec_cost import CapacityType, CostSpec
from modelmonitor_operator.cost.price_table import (
    PriceError,
    PriceTable,
    capacity_type,
    parse_node_price,
    parse_table,
)
from modelmonitor_operator.cost.prices import NodeFacts, PriceList

_MAX_PROBLEMS = 4
MAX_GONE = 200
"""Nodes that are gone and whose prices are remembered: the last minutes of their pods are charged after that."""
_PLAIN = NodeFacts()
NODES_NOT_READ = (
    "nodes are not read (settings cost.readNodes), so every GPU counts as OnDemand and rows of another capacity type "
    "are passed over"
)


class PriceBook:
    """Prices from outside the ModelMonitors.

    `version` rises where every status should say so at once: with the table, and with what cannot be read. A node
    that comes, goes or changes its price is told with the next look at a ledger.
    """

    def __init__(self) -> None:
        self.version = 0
        self.locked = False
        self._nodes: dict[str, NodeFacts] = {}
        self._shared: Mapping[str, NodeFacts] | None = None
        self._gone: dict[str, None] = {}
        self._node_problems: dict[str, str] = {}
        self._nodes_wanted = self._nodes_known = False
        self._nodes_refused = ""
        self._where = ""
        self._table: PriceTable | None = None
        self._table_known = False
        self._table_problem = ""

    def expect(self, table: str, *, nodes: bool, locked: bool) -> None:
        """What the settings name: `table` as `namespace/name`, empty without one."""
        self._where, self._nodes_wanted, self.locked = table, nodes, locked

    @property
    def known(self) -> bool:
        """Whether everything that is expected has been read, or is known to be unreadable."""
        return (self._nodes_known or not self._nodes_wanted) and (self._table_known or not self._where)

    # Nodes

    def put_node(self, node: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> None:
        """A node is there."""
        bought, problem = capacity_type(labels), ""
        try:
            facts = NodeFacts(bought, parse_node_price(node, labels, annotations))
        except PriceError as error:
            facts, problem = NodeFacts(bought), str(error)
        self._gone.pop(node, None)
        self._note_node(node, facts, problem)

    def drop_node(self, node: str) -> None:
        """A node is gone; what is left to charge of its pods still has its price."""
        known = self._nodes.get(node)
        if known is None:
            self._note_node(node, _PLAIN, "")
            return
        self._note_node(node, replace(known, gone=True), "")
        self._gone[node] = None
        if len(self._gone) > MAX_GONE:
            oldest = next(iter(self._gone))
            del self._gone[oldest]
            self._note_node(oldest, _PLAIN, "")

    def _note_node(self, node: str, facts: NodeFacts, problem: str) -> None:
        if self._nodes.get(node, _PLAIN) != facts:
            self._shared = None
            self._nodes[node] = facts
            if facts == _PLAIN:
                del self._nodes[node]
        if self._node_problems.get(node, "") != problem:
            self.version += 1
            self._node_problems[node] = problem
            if not problem:
                del self._node_problems[node]

    def nodes_listed(self) -> None:
        """All nodes are known now."""
        if not self._nodes_known or self._nodes_refused:
            self._nodes_known, self._nodes_refused = True, ""
            self.version += 1

    def nodes_refused(self, why: str) -> None:
        """They may not be read: what is known of them is old."""
        if self._nodes_refused != why:
            self._nodes_known, self._nodes_refused = True, why
            self.version += 1

    # The price table

    def put_table(self, data: Mapping[str, str]) -> None:
        """The table's ConfigMap is there. One that cannot be read leaves the last good one in force."""
        before = self._table, self._table_problem
        try:
            self._table, self._table_problem = parse_table(self._where, data), ""
        except PriceError as error:
            kept = "; the last table that could be read is in force" if self._table is not None else ""
            self._table_problem = f"price table {error}{kept}"
        self._table_known = True
        if before != (self._table, self._table_problem):
            self.version += 1

    def drop_table(self) -> None:
        """It is gone."""
        self._table = None
        self._table_problem = f"price table {self._where} is not there: make that ConfigMap, or correct its name"
        self.version += 1

    def table_listed(self) -> None:
        """Whether it is there is known now."""
        self._table_known = True
        if self._table is None and not self._table_problem:
            self.drop_table()

    def table_refused(self, why: str) -> None:
        """It may not be read."""
        if self._table_problem != why:
            self._table_known, self._table_problem = True, why
            self.version += 1

    # For ModelMonitors

    def prices_for(self, spec: CostSpec | None) -> PriceList:
        """The prices of one ModelMonitor."""
        if self._shared is None:
            self._shared = dict(sorted(self._nodes.items()))
        return PriceList(spec, self._table, self._shared, self.locked, tuple(self._problems(spec)))

    def _problems(self, spec: CostSpec | None) -> list[str]:
        told = [self._table_problem, self._nodes_refused, *(text for _, text in sorted(self._node_problems.items()))]
        if not self._nodes_wanted and self._tells_capacity_types(spec):
            told.append(NODES_NOT_READ)
        return [text for text in told if text][:_MAX_PROBLEMS]

    def _tells_capacity_types(self, spec: CostSpec | None) -> bool:
        own = spec.prices if spec is not None and not self.locked else ()
        told = {row.capacity_type for row in own}
        told |= {row.capacity_type for row in self._table.rows} if self._table is not None else set()
        return not told <= {CapacityType.ANY, CapacityType.ON_DEMAND}
