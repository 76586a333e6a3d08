"""What the watches say about prices and about pods' lives becomes memory."""

from collections.abc import Callable, Iterable

from modelmonitor_api.names import MonitorRef
from modelmonitor_operator.clock import Clock
from modelmonitor_operator.errors import ClusterError, ForbiddenError
from modelmonitor_operator.observed import Monitor, Pod
from modelmonitor_operator.settings import Json, Settings
from modelmonitor_operator.world import World

_SEE = "see the chart's rbac and cost values"


class CostIntake:
    """Keeps the prices and the memory of pods true."""

    def __init__(self, settings: Settings, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self.on_monitor_gone: Callable[[Monitor], None] = lambda _: None
        cost = settings.cost
        table = f"{settings.namespace}/{cost.price_table}" if cost.price_table else ""
        world.price_book.expect(table, nodes=cost.enabled and cost.read_nodes, locked=cost.lock_prices)

    # Monitors

    def monitor_goes(self, monitor: Monitor | None) -> None:
        """A ModelMonitor is about to be forgotten."""
        if monitor is not None:
            self.on_monitor_gone(monitor)

    def selected(self, ref: MonitorRef) -> dict[str, Pod]:
        """The pods of a ModelMonitor by UID, to compare with."""
        return {pod.uid: pod for pod in self._world.selected_pods(ref)}

    def selection_changed(self, monitor: Monitor, before: dict[str, Pod]) -> None:
        """A ModelMonitor selects other pods than before, because its spec has changed."""
        after = self.selected(monitor.ref)
        for uid in after.keys() - before.keys():
            self._world.lives.joined(monitor.uid, after[uid], self._clock.time())
        for uid in before.keys() - after.keys():
            self._world.lives.left(monitor.uid, before[uid])

    # Pods

    def pod_changed(self, pod: Pod, before: Pod | None, had: Iterable[MonitorRef], has: Iterable[MonitorRef]) -> None:
        """A pod was listed, added or changed; `had` and `has` are who selected it before, and who does now."""
        self._world.lives.saw(pod, self._clock.time())
        if before is None:
            return
        old, new = frozenset(had), frozenset(has)
        for ref in new - old:
            self._world.lives.joined(self._world.monitors[ref].uid, before, self._clock.time())
        for ref in old - new:
            self._world.lives.left(self._world.monitors[ref].uid, before)

    def pod_gone(self, pod: Pod | None) -> None:
        """A pod is about to be forgotten, as it was when it was seen last."""
        if pod is None:
            return
        refs = self._world.selecting(pod.namespace, pod.uid)
        monitors = sorted((self._world.monitors[ref] for ref in refs), key=lambda one: (one.created_at, one.ref))
        self._world.lives.dropped(pod, monitors, self._clock.time(), self._clock.monotonic())

    # Prices

    def nodes(self) -> "_NodeSink":
        """Who takes what the watch of nodes says."""
        return _NodeSink(self._world)

    def price_table(self) -> "_TableSink":
        """Who takes what the watch of the price table says."""
        return _TableSink(self._world)


class _NodeSink:
    def __init__(self, world: World) -> None:
        self._book = world.price_book

    def put(self, raw: Json) -> None:
        metadata = raw["metadata"]
        self._book.put_node(metadata["name"], metadata.get("labels") or {}, metadata.get("annotations") or {})

    def drop(self, raw: Json) -> None:
        self._book.drop_node(raw["metadata"]["name"])

    def listed(self) -> None:
        self._book.nodes_listed()

    def failed(self, error: ClusterError) -> None:
        if isinstance(error, ForbiddenError):
            self._book.nodes_refused(f"the operator may not list nodes, whose prices do not count: {error}; {_SEE}")


class _TableSink:
    def __init__(self, world: World) -> None:
        self._book = world.price_book

    def put(self, raw: Json) -> None:
        self._book.put_table(raw.get("data") or {})

    def drop(self, _raw: Json) -> None:
        self._book.drop_table()

    def listed(self) -> None:
        self._book.table_listed()

    def failed(self, error: ClusterError) -> None:
        if isinstance(error, ForbiddenError):
            self._book.table_refused(f"the operator may not read the price table: {error}; {_SEE}")
