"""Which models of a pod are ensembles, and how few questions it takes to know."""

import json

import pytest

from modelmonitor_sidecar.sources.ensembles import ASKED_A_READING, READINGS_BETWEEN_TRIES, TRIES, Ensembles
from modelmonitor_sidecar.sources.triton_answers import is_ensemble
from modelmonitor_sidecar.windows import ModelKey, StatisticsCounters
from tests.unit.sidecar.readings import FIXTURES

A, B = ("fraud", "1"), ("both", "1")
NONE: dict[ModelKey, bool] = {}


def seen(*models: ModelKey, inferences: int = 5) -> dict[ModelKey, StatisticsCounters]:
    return dict.fromkeys(models, StatisticsCounters(executions=inferences, inferences=inferences))


def read(known: Ensembles, statistics: dict[ModelKey, StatisticsCounters], answers: dict[ModelKey, bool]) -> list[str]:
    """One reading; the names that were asked for."""
    asked = known.follow(statistics)
    known.learn(asked, {key: one for key, one in answers.items() if key in asked})
    return [name for name, _ in asked]


def test_a_recorded_configuration_says_what_is_an_ensemble() -> None:
    assert is_ensemble(json.loads((FIXTURES / "default/idle.config.json").read_text()))


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        pytest.param({"name": "a", "platform": "", "backend": "python"}, False, id="a backend of its own"),
        pytest.param({"name": "a", "platform": "ensemble"}, True, id="the platform says it"),
        pytest.param({"name": "a", "ensemble_scheduling": {"step": [{"model_name": "b"}]}}, True, id="it has steps"),
    ],
)
def test_a_configuration_says_what_a_model_is(configuration: object, *, expected: bool) -> None:
    assert is_ensemble(configuration) is expected


@pytest.mark.parametrize("answer", [None, [], "ensemble", {}, {"name": 5}, {"platform": "ensemble"}])
def test_what_is_no_configuration_says_nothing(answer: object) -> None:
    with pytest.raises(ValueError, match="no model configuration"):
        is_ensemble(answer)


def test_each_model_is_asked_for_once() -> None:
    known = Ensembles()
    assert read(known, seen(A, B), {A: False, B: True}) == ["both", "fraud"]
    assert read(known, seen(A, B), NONE) == []
    assert known.among([A, B]) == {B}


def test_until_it_is_known_what_a_model_is_it_is_charged_nothing() -> None:
    known = Ensembles()
    read(known, seen(A), NONE)
    assert known.among([A]) == {A}
    read(known, seen(A), {A: False})
    assert known.among([A]) == frozenset()


def test_a_server_that_keeps_its_configurations_to_itself_is_asked_seldom_and_charged_all_the_same() -> None:
    known = Ensembles()
    readings = TRIES + 3 * READINGS_BETWEEN_TRIES
    asked = [number for number in range(readings) if read(known, seen(A), NONE)]
    assert asked == [0, 1, 2, 20, 40, 60]
    assert known.among([A]) == frozenset()
    assert [read(known, seen(A), {A: True}) for _ in range(READINGS_BETWEEN_TRIES)].count(["fraud"]) == 1
    assert known.among([A]) == {A}


def test_a_model_that_began_anew_or_came_back_is_asked_for_again() -> None:
    known = Ensembles()
    read(known, seen(A, inferences=9), {A: False})
    assert read(known, seen(A, inferences=2), {A: True}) == ["fraud"]
    assert known.among([A]) == {A}
    read(known, {}, NONE)
    assert read(known, seen(A), {A: False}) == ["fraud"]


def test_one_reading_asks_a_bounded_number_and_first_for_those_that_execute() -> None:
    known = Ensembles()
    idle = [(f"m{number:03d}", "1") for number in range(100)]
    statistics = seen(*idle, inferences=0) | seen(B)
    answers = dict.fromkeys(statistics, False)
    rounds = [read(known, statistics, answers) for _ in range(5)]
    assert (rounds[0][0], [len(names) for names in rounds]) == ("both", [ASKED_A_READING] * 3 + [5, 0])


def test_what_is_beyond_a_pods_share_is_not_asked_for_and_charged_nothing() -> None:
    known = Ensembles()
    known.most_models = 1
    assert read(known, seen(A, B), {A: False, B: False}) == ["both"]
    assert read(known, seen(A, B), {A: False, B: False}) == []
    assert known.among([A, B]) == {A}


@pytest.mark.parametrize("version", ["../../../x", "1?", "\u0663", "-1", "latest"])
def test_a_version_that_is_no_number_is_never_put_into_a_path(version: str) -> None:
    known = Ensembles()
    assert read(known, seen(("fraud", version)), NONE) == []
    assert known.among([("fraud", version)]) == frozenset()
