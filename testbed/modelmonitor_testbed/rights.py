"""What RBAC grants to an account, beside what the account does: too much and too little are both found.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelmonitor_testbed.audit import Right
from modelmonitor_testbed.kubectl import Kubectl

Manifest = Mapping[str, Any]
_UNNAMED = frozenset({"create", "deletecollection"})
"""A name never limits these: the path that is authorized has none."""


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount."""

    namespace: str
    name: str

    @property
    def user(self) -> str:
        """As the API server calls it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


@dataclass(frozen=True, slots=True)
class Home:
    """What an installation calls its own.

    Attributes:
        namespaces: what is asked for in these alone needs no right in the whole cluster.
        names: of objects that have the same name for good; what is asked for about them needs no right on all names.
    """

    namespaces: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True)
class Rbac:
    """The roles and bindings of a cluster, as the API server has them."""

    roles: tuple[Manifest, ...]
    bindings: tuple[Manifest, ...]

    def granted(self, account: Account) -> frozenset[Right]:
        """What bindings that name the account grant to it."""
        return self._of(lambda subject: _is_account(subject, account))

    def granted_to_all(self, account: Account) -> frozenset[Right]:
        """What it has because every account has it, by one of its groups."""
        groups = {"system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{account.namespace}"}
        return self._of(lambda subject: subject["kind"] == "Group" and subject["name"] in groups)

    def _of(self, wanted: Callable[[Manifest], bool]) -> frozenset[Right]:
        found: set[Right] = set()
        for binding in self.bindings:
            if any(wanted(subject) for subject in binding.get("subjects") or ()):
                namespace = binding["metadata"].get("namespace", "")
                for rule in self._rules(binding["roleRef"], namespace):
                    found |= expand(rule, namespace)
        return frozenset(found)

    def _rules(self, role: Manifest, namespace: str) -> list[Manifest]:
        home = namespace if role["kind"] == "Role" else ""
        for each in self.roles:
            metadata = each["metadata"]
            if (metadata["name"], metadata.get("namespace", "")) == (role["name"], home):
                return each.get("rules") or []
        return []


def read_rbac(kubectl: Kubectl) -> Rbac:
    """All roles and bindings of the cluster."""
    roles = [item for kind in ("clusterroles", "roles") for item in kubectl.get(kind)["items"]]
    bindings = [item for kind in ("clusterrolebindings", "rolebindings") for item in kubectl.get(kind)["items"]]
    return Rbac(tuple(roles), tuple(bindings))


def expand(rule: Manifest, namespace: str) -> set[Right]:
    """The single rights of a rule; those about paths have the path as their resource."""
    names = rule.get("resourceNames") or [""]
    rights = {
        Right(verb, group, resource, namespace, name)
        for verb in rule["verbs"]
        for group in rule.get("apiGroups") or ()
        for resource in rule.get("resources") or ()
        for name in names
    }
    return rights | {Right(verb, "", path) for verb in rule["verbs"] for path in rule.get("nonResourceURLs") or ()}


def covers(grant: Right, request: Right) -> bool:
    """Whether a right allows a request; a wildcard of the grant stands for everything."""
    return (
        grant.verb in ("*", request.verb)
        and grant.group in ("*", request.group)
        and grant.resource in ("*", request.resource)
        and grant.namespace in ("", request.namespace)
        and grant.name in ("", _authorized(request).name)
    )


def find_refused(granted: Iterable[Right], used: Iterable[Right]) -> list[Right]:
    """What was asked for and is not granted."""
    grants = tuple(granted)
    return sorted(request for request in set(used) if not any(covers(grant, request) for grant in grants))


def find_unused(granted: Iterable[Right], used: Iterable[Right], home: Home) -> list[Right]:
    """What is granted and was not asked for, or not so widely."""
    requests = {_authorized(request) for request in used}
    return sorted(grant for grant in set(granted) if not any(_needs(grant, request, home) for request in requests))


def _needs(grant: Right, request: Right, home: Home) -> bool:
    at_home = request.namespace in home.namespaces
    too_wide = at_home and (not grant.namespace or (not grant.name and request.name in home.names))
    return covers(grant, request) and not too_wide


def _authorized(request: Right) -> Right:
    """As it is authorized: the path that creates has no name."""
    return replace(request, name="") if request.verb in _UNNAMED else request


def find_wildcards(granted: Iterable[Right]) -> list[Right]:
    """Rights on everything of a sort."""
    return sorted(right for right in set(granted) if "*" in "".join((right.verb, right.group, right.resource)))


def _is_account(subject: Manifest, account: Account) -> bool:
    if subject["kind"] == "User":
        return bool(subject["name"] == account.user)
    return (subject["kind"], subject.get("namespace"), subject["name"]) == (
        "ServiceAccount",
        account.namespace,
        account.name,
    )
