"""Xid codes and what NVIDIA advises to do about each. The product says the action; it never takes it.

Source: NVIDIA, "Xid Errors", https://docs.nvidia.com/deploy/xid-errors/ (catalogue and recommended actions).
"""

from enum import StrEnum

from modelmonitor_api.findings import Severity


class XidAction(StrEnum):
    """NVIDIA's classes of recommended action, in words that finish the sentence 'NVIDIA advises to …'."""

    RESTART_APP = "restart the application"
    RESET_GPU = "reset the GPU"
    REBOOT = "reboot the node"
    RESTART_VM = "restart the virtual machine"
    CHECK_MECHANICALS = "check the power connections and the seating of the GPU"
    UPDATE_FIRMWARE = "update the firmware"
    FOLLOW_WORKFLOW = "follow the workflow that the catalogue has for this Xid"
    NONE = "do nothing for this Xid alone"


def _codes(text: str) -> frozenset[int]:
    """The numbers of a list such as `8 11 39-41`."""
    found: set[int] = set()
    for word in text.split():
        first, _, last = word.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


_CATALOGUE: tuple[tuple[XidAction, frozenset[int]], ...] = (
    (XidAction.RESTART_APP, _codes("8 11 13 25 31 32 39-41 60 68-72 75-77 80 82-86 88 89 94 96-105 126-135 139")),
    (XidAction.RESET_GPU, _codes("46 62 64 95 109 110 119 120 136 140 143 155 156 158")),
    (XidAction.REBOOT, _codes("79")),
    (XidAction.RESTART_VM, _codes("151")),
    (XidAction.CHECK_MECHANICALS, _codes("54")),
    (XidAction.UPDATE_FIRMWARE, _codes("78")),
    (XidAction.FOLLOW_WORKFLOW, _codes("45 48 74 144-150 154")),
)

_SEVERITIES = {XidAction.RESTART_APP: Severity.WARNING, XidAction.NONE: Severity.INFO}


def xid_action(code: int) -> XidAction:
    """What NVIDIA advises for an Xid; NONE for those that need nothing and for those that the catalogue lacks."""
    return next((action for action, codes in _CATALOGUE if code in codes), XidAction.NONE)


def xid_severity(code: int) -> Severity:
    """Warning where a restart of the application mends it, Info where nothing is needed, else Critical."""
    return _SEVERITIES.get(xid_action(code), Severity.CRITICAL)
