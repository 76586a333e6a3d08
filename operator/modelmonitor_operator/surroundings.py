"""What decides whether a Prometheus finds a monitor's objects: Prometheus objects, and labels of namespaces."""

from collections.abc import Mapping

from modelmonitor_operator.arrival import PrometheusObjects, PrometheusView
from modelmonitor_operator.objects import ObjectRef

NOT_LISTED = "the Prometheus objects of the cluster have not been listed yet"
NO_KIND = (
    "the CustomResourceDefinition prometheuses.monitoring.coreos.com is not installed, so there is no Prometheus "
    "object whose selectors could be read"
)
ONE_NAMESPACE = (
    "the operator watches single namespaces (watchNamespaces) and may not read the Prometheus objects of the cluster"
)


class Surroundings:
    """Changed by watches, read by the roll-up as one value."""

    def __init__(self) -> None:
        self._views: dict[ObjectRef, PrometheusView] = {}
        self._labels: dict[str, Mapping[str, str]] = {}
        self._problem = NOT_LISTED
        self._served = False
        self._namespaces_known = False
        self._objects: PrometheusObjects | None = None

    def put_prometheus(self, ref: ObjectRef, view: PrometheusView) -> None:
        """A Prometheus object is there; a change of its status alone changes nothing."""
        if self._views.get(ref) == view:
            return
        self._views[ref] = view
        self._objects = None

    def drop_prometheus(self, ref: ObjectRef) -> None:
        """One is gone."""
        self._views.pop(ref, None)
        self._objects = None

    def note_prometheuses(self, problem: str, *, served: bool) -> None:
        """Whether all of them are known now; `problem` says why not, empty where they are."""
        if (self._problem, self._served) == (problem, served):
            return
        self._problem, self._served = problem, served
        if not served:
            self._views.clear()
        self._objects = None

    def put_namespace(self, name: str, labels: Mapping[str, str]) -> None:
        """A namespace is there."""
        if self._labels.get(name) == labels:
            return
        self._labels[name] = labels
        self._objects = None

    def drop_namespace(self, name: str) -> None:
        """One is gone."""
        self._labels.pop(name, None)
        self._objects = None

    def note_namespaces(self, *, known: bool) -> None:
        """Whether all of them are known now."""
        if self._namespaces_known == known:
            return
        self._namespaces_known = known
        self._objects = None

    def objects(self) -> PrometheusObjects:
        """All of it; the same value until something changes."""
        if self._objects is None:
            views = tuple(view for _, view in sorted(self._views.items(), key=lambda pair: pair[0]))
            labels = dict(self._labels) if self._namespaces_known else None
            self._objects = PrometheusObjects(views if not self._problem else (), self._problem, self._served, labels)
        return self._objects
