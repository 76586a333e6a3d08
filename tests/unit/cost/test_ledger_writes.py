"""When a ledger is written, and what a leader may show."""

from dataclasses import replace

from modelmonitor_operator.cost.ledger import Beginning
from modelmonitor_operator.cost.ledger_writes import (
    WRITE_SECONDS,
    Account,
    Stored,
    begin,
    charged,
    is_due,
    loaded,
    stamped,
)
from tests.unit.cost.accounts import NOW, Book, book, life, meter, model, reading


def running() -> tuple[Account, Book]:
    made = book()
    made.take(reading(3600, meter(3600, 3600, model(used=900, counted=800))), life())
    return loaded(Stored(made.ledger, "7", "cm"), 1000.0, 0), made


def test_a_ledger_that_was_charged_is_written_after_five_minutes_and_not_before() -> None:
    account, made = running()
    made.take(reading(3700, meter(3700, 3700, model(used=900, counted=800))), life())
    account = charged(account, made.ledger)
    assert not is_due(account, 1000 + WRITE_SECONDS - 1)
    assert is_due(account, 1000 + WRITE_SECONDS)


def test_nothing_is_written_while_nothing_runs() -> None:
    account, made = running()
    made.take(reading(3610, meter(3600, 3600, model(used=900, counted=800), departed=True)), life(0, 3600))
    account = charged(account, made.ledger)
    account = loaded(Stored(made.ledger, "8", "cm"), 2000.0, 0)
    for at in range(4000, 9000, 500):
        made.take(reading(at), life(0, 3600))
        account = charged(account, made.ledger)
    assert account.pending is None
    assert not is_due(account, 1e9)


def test_only_what_is_committed_is_shown() -> None:
    account, made = running()
    before = account.committed
    made.take(reading(3700, meter(3700, 3700, model(used=900, counted=800))), life())
    account = charged(account, made.ledger)
    assert account.committed is before
    assert account.newest is made.ledger


def test_a_new_leader_writes_no_earlier_than_the_old_one_would_have() -> None:
    _, made = running()
    made.take(reading(3700, meter(3700, 3700, model(used=900, counted=800))), life())
    for age, due_in in ((0.0, 300.0), (200.0, 100.0), (9e9, 0.0), (-3600.0, 300.0)):
        account = replace(loaded(Stored(made.ledger, "7", "cm"), 5000.0, age), pending=made.ledger)
        assert is_due(account, 5000 + due_in)
        assert not is_due(account, 5000 + due_in - 1)


def test_a_ledger_that_somebody_deleted_says_so() -> None:
    assert begin("uid", NOW, had_one=True).beginning is Beginning.LOST
    assert begin("uid", NOW, had_one=False).beginning is Beginning.NEW
    assert stamped(begin("uid", NOW, had_one=False), NOW).checkpoint.written == NOW
