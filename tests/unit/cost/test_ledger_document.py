"""A ledger outlives the process that wrote it; what is not ours and whole is not believed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelmonitor_api.cost_summary import CostMethod, Counters, ModelMeter
from modelmonitor_operator.cost.ledger import Beginning, Ledger
from modelmonitor_operator.cost.ledger_document import (
    MAX_BYTES,
    LedgerFault,
    LedgerProblem,
    parse_ledger,
    render_ledger,
)
from tests.unit.cost.accounts import HALF, WHOLE, Book, S, book, life, meter, model, reading, seconds

DAY = 86400


def parsed(text: str | None, uid: str = "uid") -> Ledger:
    ledger = parse_ledger(text, uid)
    assert isinstance(ledger, Ledger), ledger
    return ledger


def refused(text: str | None, uid: str = "uid") -> LedgerProblem:
    problem = parse_ledger(text, uid)
    assert isinstance(problem, LedgerProblem)
    return problem


def filled() -> Book:
    """Two pods of one node, one of them gone; days, months, gaps, two models."""
    made = book(since=0)
    for day in range(1, 50):
        made.take(
            reading(day * DAY, meter(day * DAY, day * DAY, model("a", used=day), model("b", counted=day))), life()
        )
    second = meter(49 * DAY + 90, 40, model("a", used=30, counted=4, raw=9), pod_uid="q", holdings=(HALF, WHOLE))
    slow = second.model_copy(update={"method": CostMethod.MODELLED})
    made.take(reading(49 * DAY + 100, slow), life(0, 49 * DAY), life(49 * DAY, uid="q"))
    return made


def test_a_ledger_is_read_back_as_it_was() -> None:
    made = filled().ledger
    again = parsed(render_ledger(made))
    assert (again.total, again.days, again.months, again.gaps) == (made.total, made.days, made.months, made.gaps)
    assert render_ledger(again) == render_ledger(made)


def test_a_new_leader_goes_on_where_the_old_one_was() -> None:
    old, new = filled(), filled()
    new.ledger = parsed(render_ledger(new.ledger))
    for made in (old, new):
        made.take(
            reading(50 * DAY, meter(50 * DAY, DAY, model("a", used=99, counted=9, raw=14), pod_uid="q")),
            life(49 * DAY, uid="q"),
        )
    assert old.ledger.total == new.ledger.total
    assert old.ledger.days == new.ledger.days


def test_a_ledger_of_very_many_pods_fits_and_charges_nothing_twice() -> None:
    made = book(since=0)
    models = [model(f"model-with-a-rather-long-name-{n}", used=1 + n % 7, counted=1 + n % 9) for n in range(4)]
    pods = [meter(1000, 1000, *models, pod_uid=f"0f1e2d3c-aaaa-bbbb-cccc-{n:012d}") for n in range(900)]
    lives = [life(10, uid=pod.pod_uid) for pod in pods]
    before = made.take(reading(1000, *pods), *lives)
    text = render_ledger(made.ledger)
    assert len(text.encode()) <= MAX_BYTES
    made.ledger = parsed(text)
    assert made.ledger.checkpoint.partial
    assert made.take(reading(1000, *pods), *lives) == before
    later = [one.model_copy(update={"until_us": 1010 * S, "observed_us": 1010 * S}) for one in pods]
    assert made.take(reading(1010, *later), *lives).held_us == before.held_us + 900 * 10 * S


def test_models_that_had_no_room_in_the_checkpoint_are_charged_together() -> None:
    made = book(since=0)
    names = [f"{n:03d}-{'x' * 200}" for n in range(300)]
    made.take(reading(1000, meter(1000, 1000, *(model(name, used=1) for name in names))), life(10))
    made.ledger = parsed(render_ledger(made.ledger))
    total = made.take(reading(2000, meter(2000, 2000, *(model(name, used=2) for name in names))), life(10))
    assert seconds(total) == {"used": 600, "idle": 1390}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda d: d.update(schemaVersion=2, digest=None, anything=[1]), LedgerFault.FUTURE_VERSION),
        (lambda d: d["days"].clear(), LedgerFault.EDITED),
        (lambda d: d["models"][0][2].update(used="0"), LedgerFault.EDITED),
        (lambda d: (d.pop("digest"), d.update(schemaVersion=0)), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d.update(schemaVersion="1")), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d.pop("models")), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d.update(days=[])), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["models"][0][2].update(used="-5")), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["models"][0][2].update(used="NaN")), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["models"][0][2].update(used="1" * 50)), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["models"][0][2].update(used=5)), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["models"][0][2].update(used_us=1.5)), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["models"][0][2].update(used_us=True)), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["models"][0][2].update(bonus="5")), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d.update(currency="Euro")), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["checkpoint"].update(pods={"p": [1, 2]})), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d["checkpoint"]["nodes"].update(n1=["b", -1, 0])), LedgerFault.UNREADABLE),
        (lambda d: (d.pop("digest"), d.update(monitorUid="other")), LedgerFault.OTHER_MONITOR),
    ],
)
def test_a_document_that_was_touched_is_not_believed(
    change: Callable[[dict[str, Any]], object], fault: LedgerFault
) -> None:
    document = json.loads(render_ledger(filled().ledger))
    change(document)
    problem = refused(json.dumps(document))
    assert problem.fault is fault
    assert len(problem.message) < 300


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "null", "[" * 100_000, '{"schemaVersion":NaN}', "x" * 200_000, "{}"], ids=range(9)
)
def test_what_is_no_document_is_unreadable(text: str | None) -> None:
    assert refused(text).fault is LedgerFault.UNREADABLE


def test_an_edit_is_taken_once_its_digest_is_removed() -> None:
    document = json.loads(render_ledger(filled().ledger))
    document["earlier"] = {"used": "5.25"}
    assert refused(json.dumps(document)).fault is LedgerFault.EDITED
    del document["digest"]
    assert str(parsed(json.dumps(document)).earlier.used) == "5.25"


def test_spaces_and_order_are_no_edit() -> None:
    document = json.loads(render_ledger(filled().ledger))
    assert parsed(json.dumps(dict(reversed(document.items())), indent=2)).beginning is Beginning.NEW


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    ),
    st.sampled_from(
        ["models", "days", "hours", "gaps", "closed", "checkpoint", "objectives", "since", "currency", "earlier"]
    ),
)
def test_no_document_is_ever_an_exception(value: object, field: str) -> None:
    document = json.loads(render_ledger(book().ledger))
    del document["digest"]
    document[field] = value
    assert isinstance(parse_ledger(json.dumps(document), "uid"), Ledger | LedgerProblem)


def test_a_hostile_triton_makes_no_ledger_that_cannot_be_read() -> None:
    made = book(since=0)
    counts = Counters(execution_us=10**17, succeeded=10**17, failed=10**17, inferences=10**17, cached=10**17)
    for day in range(1, 400):
        hostile = ModelMeter(name="m", version="1", counted=counts if day % 2 else Counters(), raw=counts)
        made.take(reading(day * DAY, meter(day * DAY, day * DAY, hostile)), life())
    assert parsed(render_ledger(made.ledger)).total == made.ledger.total
