"""A process that another may have followed writes nothing, however new the version is that it has seen."""

import pytest

from modelmonitor_operator.errors import DeposedError
from modelmonitor_operator.fence import Fence
from modelmonitor_operator.objects import CONFIG_MAP, ObjectRef
from modelmonitor_operator.reconcile.changes import ApplyStatus, Rank
from tests.unit.operator.worlds import FakeCluster, stored

REF = ObjectRef(CONFIG_MAP, "team-a", "x")
MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "team-a"}}


async def write_everything(fence: Fence) -> int:
    """Try each kind of write; how many were refused."""
    present = stored(CONFIG_MAP, MANIFEST)
    status = ApplyStatus(Rank.STATUS, REF, "u1", "1", {})
    writes = (
        fence.create(REF, MANIFEST),
        fence.replace(present, MANIFEST),
        fence.apply(present, MANIFEST),
        fence.apply_status(status),
        fence.delete(present),
    )
    refused = 0
    for write in writes:
        try:
            await write
        except DeposedError:
            refused += 1
    return refused


@pytest.mark.parametrize(("holds", "refused", "written"), [(True, 0, 5), (False, 5, 0)], ids=["leads", "deposed"])
async def test_a_write_is_sent_only_while_the_lease_holds(*, holds: bool, refused: int, written: int) -> None:
    cluster = FakeCluster()
    assert await write_everything(Fence(cluster, lambda: holds)) == refused
    assert len(cluster.written) == written


async def test_looking_needs_no_lease() -> None:
    assert (
        await Fence(FakeCluster(), lambda: False).list_objects(
            CONFIG_MAP, "team-a", {"fieldSelector": "metadata.name=x"}
        )
        == []
    )
