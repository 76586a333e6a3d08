"""Who owns what the operator creates: the chart's anchor, so that uninstalling the chart takes everything away."""

from modelmonitor_api import names
from modelmonitor_operator.objects import StoredObject
from modelmonitor_operator.settings import Json, Settings


def build_labels(settings: Settings, component: str) -> dict[str, str]:
    """The labels of every object that the operator creates."""
    return {
        names.NAME_LABEL: names.SIDECAR_NAME,
        names.INSTANCE_LABEL: settings.sidecar_name,
        names.COMPONENT_LABEL: component,
        names.MANAGED_BY_LABEL: names.MANAGED_BY,
    }


def build_metadata(settings: Settings, anchor: StoredObject, name: str, component: str) -> Json:
    """Metadata of an object in the sidecars' namespace, owned by the anchor."""
    return {
        "name": name,
        "namespace": settings.sidecar_namespace,
        "labels": build_labels(settings, component),
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": anchor.ref.name, "uid": anchor.uid}],
    }


def is_ours(stored: StoredObject, settings: Settings) -> bool:
    """Whether this installation made the object: its labels, or an owner by the anchor's name, say so."""
    metadata = stored.manifest["metadata"]
    labelled = _is_an_operators(stored) and not _other_installation(stored, settings)
    owners = metadata.get("ownerReferences", ())
    return labelled or any(o["kind"] == "ConfigMap" and o["name"] == settings.anchor_name for o in owners)


def _is_an_operators(stored: StoredObject) -> bool:
    labels = stored.manifest["metadata"].get("labels", {})
    return bool(labels.get(names.MANAGED_BY_LABEL) == names.MANAGED_BY)


def _other_installation(stored: StoredObject, settings: Settings) -> str:
    """Name of the other installation that an object is of; empty where it is of none."""
    instance = stored.manifest["metadata"].get("labels", {}).get(names.INSTANCE_LABEL, "")
    return "" if instance == settings.sidecar_name else str(instance)


def owned_by(stored: StoredObject, anchor: StoredObject) -> bool:
    """Whether exactly this anchor owns it; one of an earlier installation is about to be garbage-collected."""
    return any(owner["uid"] == anchor.uid for owner in stored.manifest["metadata"].get("ownerReferences", ()))


def owned_by_another(stored: StoredObject, anchor: StoredObject) -> bool:
    """Whether an anchor of the same name but another UID owns it."""
    owners = stored.manifest["metadata"].get("ownerReferences", ())
    return any(o["kind"] == "ConfigMap" and o["name"] == anchor.ref.name and o["uid"] != anchor.uid for o in owners)


def foreign_problem(stored: StoredObject, settings: Settings) -> str:
    """What to tell people where an object that this installation did not make bears one of our names."""
    ref, plural = stored.ref, stored.ref.kind.plural
    other = _other_installation(stored, settings)
    if _is_an_operators(stored) and other:
        return (
            f"{ref} is of another installation, {other}, whose sidecars are in the same namespace: "
            "give this one a namespace of its own for its sidecars (sidecar.namespace of the chart)"
        )
    return (
        f"{ref} is not the operator's and is left alone: rename or delete it "
        f"(kubectl -n {ref.namespace} delete {plural} {ref.name}), or install the chart with another name"
    )
