"""What the figures about Prometheus are counted from."""

from benchmarks.leader_change import MONITORS, Addresses
from benchmarks.rule_evaluation import build_ours, build_sloths
from benchmarks.targets import count_targets


def subset(port: str, ready: int, not_ready: int = 0) -> dict[str, object]:
    addresses = [{"ip": f"10.0.0.{number}"} for number in range(ready + not_ready)]
    return {"ports": [{"name": port}], "addresses": addresses[:ready], "notReadyAddresses": addresses[ready:]}


def test_an_address_that_is_not_ready_is_a_target_too() -> None:
    found = count_targets([{"subsets": [subset("sidecar", 2, 1), subset("leader", 1)]}, {"subsets": None}])
    assert found == {"sidecar": 3, "leader": 1}


async def test_only_endpoints_with_the_new_leader_count() -> None:
    addresses = Addresses()
    for name, ip in (("a", "10.0.0.1"), ("b", "10.0.0.1"), ("a", "10.0.0.2")):
        leader = {"ports": [{"name": "leader"}], "addresses": [{"ip": ip}]}
        await addresses.see("MODIFIED", {"metadata": {"name": name}, "subsets": [subset("sidecar", 1), leader]})
    assert (addresses.count("10.0.0.2"), addresses.count("10.0.0.1")) == (1, 1)
    assert MONITORS == 1000


def test_both_shapes_have_the_same_windows_of_the_same_objectives() -> None:
    def ratios(of: list[dict[str, object]]) -> set[tuple[str, str]]:
        rules = [rule for group in of for rule in group["rules"] if "ratio_rate" in rule.get("record", "")]  # type: ignore[attr-defined]
        return {(rule["record"], rule["labels"]["sloth_slo"]) for rule in rules}

    ours, sloths = (next(iter(groups.of.values())) for groups in (build_ours(), build_sloths()))
    assert len(ratios(ours)) == 16
    assert ratios(ours) == ratios(sloths)


def test_each_group_is_weighed_by_its_own_interval() -> None:
    ours = build_ours()
    assert {group["name"]: ours.interval(group["name"]) for group in next(iter(ours.of.values()))} == {
        "modelmonitor.findings": 30,
        "modelmonitor.pipeline": 30,
        "modelmonitor.absence": 30,
        "modelmonitor.cost": 30,
        "slo.available": 60,
        "slo.available.period": 120,
        "slo.available.alerts": 30,
        "slo.fast": 60,
        "slo.fast.period": 120,
        "slo.fast.alerts": 30,
    }
    sloths = build_sloths()
    assert {sloths.interval(group["name"]) for group in next(iter(sloths.of.values()))} == {60}
