"""What the operator has seen of the cluster, kept in memory. Watches change it, reconciliation reads it.

Every change returns the nodes whose plan may be different now, so that nothing is planned again without need.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from modelmonitor_api.names import MonitorRef
from modelmonitor_api.spec import Selector
from modelmonitor_api.status import ModelMonitorStatus
from modelmonitor_operator.children import Children
from modelmonitor_operator.objects import ObjectRef, ResourceKind, StoredObject, is_newer
from modelmonitor_operator.observed import Monitor, Pod, SidecarPod
from modelmonitor_operator.pod_lives import PodLives
from modelmonitor_operator.price_book import PriceBook
from modelmonitor_operator.selection import selector_matches
from modelmonitor_operator.surroundings import Surroundings

Nodes = frozenset[str]
_NONE: Nodes = frozenset()


class World:
    """Monitors, pods of their namespaces and who selects them, sidecars, and the objects that the operator made."""

    def __init__(self) -> None:
        self.monitors: dict[MonitorRef, Monitor] = {}
        self.monitors_listed = False
        self.our_statuses: dict[MonitorRef, ModelMonitorStatus] = {}
        """The status of each monitor that we last set out to write: the watch may bring it before the answer comes."""
        self.stored: dict[ObjectRef, StoredObject] = {}
        self.listed_kinds: set[ResourceKind] = set()
        self.listed_namespaces: set[str] = set()
        self.unlistable: dict[str, str] = {}
        self.problems: dict[ObjectRef, str] = {}
        self._pods: defaultdict[str, dict[str, Pod]] = defaultdict(dict)
        self._selected: dict[MonitorRef, dict[str, Pod]] = {}
        self._by_node: defaultdict[str, dict[MonitorRef, set[str]]] = defaultdict(dict)
        self._by_namespace: defaultdict[str, set[MonitorRef]] = defaultdict(set)
        self._sidecars: dict[str, SidecarPod] = {}
        self._sidecars_on: defaultdict[str, dict[str, SidecarPod]] = defaultdict(dict)
        self.children = Children()
        self.lives = PodLives()
        self.price_book = PriceBook()
        self.surroundings = Surroundings()

    # Monitors

    def put_monitor(self, monitor: Monitor) -> Nodes:
        """Remember a monitor as the server has it now."""
        before = self.monitors.get(monitor.ref)
        self.monitors[monitor.ref] = monitor
        self._by_namespace[monitor.ref.namespace].add(monitor.ref)
        if before is not None and _selects(before) == _selects(monitor):
            return _NONE
        touched = self._forget_selection(monitor.ref)
        for pod in self._pods[monitor.ref.namespace].values():
            touched |= self._select(monitor, pod)
        return touched

    def drop_monitor(self, ref: MonitorRef) -> Nodes:
        """Forget a monitor; the pods of a namespace without monitors are forgotten with the last one."""
        self.monitors.pop(ref, None)
        self.our_statuses.pop(ref, None)
        self.children.forget_monitor(ref)
        touched = self._forget_selection(ref)
        self._by_namespace[ref.namespace].discard(ref)
        if not self._by_namespace[ref.namespace]:
            del self._by_namespace[ref.namespace]
            self.lives.forget_namespace(ref.namespace, self._pods.pop(ref.namespace, ()))
            self.listed_namespaces.discard(ref.namespace)
            self.unlistable.pop(ref.namespace, None)
        return touched

    def namespaces(self) -> frozenset[str]:
        """Namespaces that hold a monitor."""
        return frozenset(self._by_namespace)

    def in_namespace(self, namespace: str) -> tuple[Monitor, ...]:
        """The monitors of a namespace, the oldest first."""
        found = [self.monitors[ref] for ref in self._by_namespace.get(namespace, ())]
        return tuple(sorted(found, key=lambda monitor: (monitor.created_at, monitor.ref)))

    # Pods of the monitors' namespaces

    def put_pod(self, pod: Pod) -> Nodes:
        """Remember a pod as the server has it now."""
        if pod.namespace not in self._by_namespace:
            return _NONE
        pods = self._pods[pod.namespace]
        touched = self._unselect(pods[pod.uid]) if pod.uid in pods else _NONE
        pods[pod.uid] = pod
        for ref in self._by_namespace[pod.namespace]:
            touched |= self._select(self.monitors[ref], pod)
        return touched

    def drop_pod(self, namespace: str, uid: str) -> Nodes:
        """Forget a pod."""
        pod = self._pods[namespace].pop(uid, None)
        return _NONE if pod is None else self._unselect(pod)

    def pod_uids(self, namespace: str) -> frozenset[str]:
        """The pods of a namespace that are known."""
        return frozenset(self._pods.get(namespace, ()))

    def pod(self, namespace: str, uid: str) -> Pod | None:
        """A pod, whoever selects it."""
        return self._pods.get(namespace, {}).get(uid)

    def selected_pods(self, ref: MonitorRef) -> tuple[Pod, ...]:
        """The pods that a monitor selects."""
        return tuple(self._selected.get(ref, {}).values())

    def selecting(self, namespace: str, uid: str) -> frozenset[MonitorRef]:
        """The monitors that select a pod."""
        return frozenset(ref for ref in self._by_namespace.get(namespace, ()) if uid in self._selected.get(ref, {}))

    def watching(self, node: str) -> frozenset[MonitorRef]:
        """The monitors that select a pod of a node."""
        return frozenset(self._by_node.get(node, ()))

    def selected_on(self, node: str) -> Iterable[tuple[Monitor, list[Pod]]]:
        """Each monitor with the pods that it selects on a node."""
        for ref, uids in self._by_node.get(node, {}).items():
            yield self.monitors[ref], [self._selected[ref][uid] for uid in uids]

    def nodes_with_pods(self) -> Nodes:
        """Nodes that have a selected pod."""
        return frozenset(self._by_node)

    # Sidecars

    def put_sidecar(self, pod: SidecarPod) -> Nodes:
        """Remember a sidecar pod."""
        before = self._sidecars.get(pod.uid)
        if before == pod:
            return _NONE
        touched = self.drop_sidecar(pod.uid)
        self._sidecars[pod.uid] = pod
        self._sidecars_on[pod.node][pod.uid] = pod
        return touched | {pod.node}

    def drop_sidecar(self, uid: str) -> Nodes:
        """Forget a sidecar pod."""
        pod = self._sidecars.pop(uid, None)
        if pod is None:
            return _NONE
        del self._sidecars_on[pod.node][uid]
        if not self._sidecars_on[pod.node]:
            del self._sidecars_on[pod.node]
        return frozenset({pod.node})

    def sidecar_uids(self) -> frozenset[str]:
        """The sidecar pods that are known."""
        return frozenset(self._sidecars)

    def sidecar_on(self, node: str) -> SidecarPod | None:
        """The sidecar of a node: the newest where two overlap during a rollout."""
        pods = self._sidecars_on.get(node, {}).values() if node else ()
        return max(pods, key=lambda pod: (pod.created_at, pod.uid), default=None)

    def sidecars(self) -> Mapping[str, SidecarPod]:
        """The sidecar of each node."""
        found = {node: self.sidecar_on(node) for node in self._sidecars_on}
        return {node: pod for node, pod in found.items() if pod is not None}

    # Objects of the operator's own

    def put_stored(self, stored: StoredObject) -> None:
        """Remember an object as the server has it now; what is older than what is known changes nothing.

        A watch and the answer to a write tell of the same object, and either may come first.
        """
        known = self.stored.get(stored.ref)
        if known is None or known.uid != stored.uid or is_newer(stored.resource_version, known.resource_version):
            self.stored[stored.ref] = stored

    def drop_stored(self, ref: ObjectRef, uid: str) -> None:
        """Forget an object, unless another of the same name has taken its place."""
        present = self.stored.get(ref)
        if present is not None and present.uid == uid:
            del self.stored[ref]

    def stored_of(self, kind: ResourceKind) -> tuple[StoredObject, ...]:
        """All objects of a kind that are known."""
        return tuple(stored for stored in self.stored.values() if stored.ref.kind == kind)

    # Selection

    def _select(self, monitor: Monitor, pod: Pod) -> Nodes:
        if monitor.spec is None or not selector_matches(monitor.spec.selector, pod.labels):
            return _NONE
        self._selected.setdefault(monitor.ref, {})[pod.uid] = pod
        if pod.node is None:
            return _NONE
        self._by_node[pod.node].setdefault(monitor.ref, set()).add(pod.uid)
        return frozenset({pod.node})

    def _unselect(self, pod: Pod) -> Nodes:
        held = [ref for ref in self._by_namespace[pod.namespace] if pod.uid in self._selected.get(ref, {})]
        for ref in held:
            del self._selected[ref][pod.uid]
            self._leave_node(pod.node, ref, pod.uid)
        return frozenset({pod.node}) if held and pod.node else _NONE

    def _forget_selection(self, ref: MonitorRef) -> Nodes:
        pods = self._selected.pop(ref, {})
        for pod in pods.values():
            self._leave_node(pod.node, ref, pod.uid)
        return frozenset(pod.node for pod in pods.values() if pod.node)

    def _leave_node(self, node: str | None, ref: MonitorRef, uid: str) -> None:
        if node is None or node not in self._by_node:
            return
        held = self._by_node[node]
        held.get(ref, set()).discard(uid)
        if not held.get(ref):
            held.pop(ref, None)
        if not held:
            del self._by_node[node]


def _selects(monitor: Monitor) -> tuple[str, bool, Selector | None]:
    """What decides which pods belong to a monitor."""
    return (monitor.uid, monitor.deleting, monitor.spec.selector if monitor.spec else None)


def find_older_selectors(monitors: Iterable[tuple[Monitor, Iterable[Pod]]]) -> dict[MonitorRef, dict[str, MonitorRef]]:
    """For each monitor of one namespace, the pods that an older one selects too, and which one that is.

    Args:
        monitors: the oldest first, each with the pods that it selects.
    """
    owner: dict[str, MonitorRef] = {}
    shared: dict[MonitorRef, dict[str, MonitorRef]] = {}
    for monitor, pods in monitors:
        for pod in pods:
            first = owner.setdefault(pod.uid, monitor.ref)
            if first != monitor.ref:
                shared.setdefault(monitor.ref, {})[pod.uid] = first
    return shared
