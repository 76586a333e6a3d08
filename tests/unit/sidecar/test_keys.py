"""Who may read the summary."""

from pathlib import Path

import pytest

from modelmonitor_api.signing import sign_request
from modelmonitor_sidecar.keys import MAX_NONCES, Gate, KeyRing, RefusedError, SummaryRequest
from tests.unit.sidecar.readings import FakeClock

OLD, NEW = b"o" * 32, b"n" * 32
UID = "uid-sidecar"


class Door:
    """A gate with a key file and a clock that a test changes."""

    def __init__(self, folder: Path) -> None:
        self.file, self.clock = folder / "key", FakeClock()
        self.file.write_bytes(OLD)
        self.ring = KeyRing(self.file, lambda: self.clock.at)
        self.gate = Gate(self.ring, UID)
        self.count = 0

    def ask(self, key: bytes = OLD, *, uid: str = UID, nonce: str = "") -> bytes:
        self.count += 1
        nonce = nonce or f"{self.count:032d}"
        return self.gate.admit(SummaryRequest(nonce, uid, sign_request(key, nonce, uid)))


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def refusal(door: Door, **request: object) -> str:
    with pytest.raises(RefusedError) as caught:
        door.ask(**request)
    return caught.value.result


def test_the_key_of_the_file_opens_and_signs_the_answer(door: Door) -> None:
    assert door.ask() == OLD


def test_a_replaced_key_is_good_for_five_minutes_and_no_longer(door: Door) -> None:
    door.ask()
    door.file.write_bytes(NEW)
    assert door.ask(NEW) == NEW
    door.clock.at += 299
    assert door.ask(OLD) == OLD
    door.clock.at += 2
    assert refusal(door, key=OLD) == "wrong_key"
    assert door.ask(NEW) == NEW


def test_a_change_is_dated_even_when_nobody_asks(door: Door) -> None:
    door.ring.refresh()
    door.file.write_bytes(NEW)
    door.ring.refresh()
    door.clock.at += 301
    assert refusal(door, key=OLD) == "wrong_key"


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        pytest.param({"key": b"x" * 32}, "wrong_key", id="a key that was never ours"),
        pytest.param({"uid": "uid-of-another-pod"}, "other_pod", id="for the pod that had this address before"),
        pytest.param({"nonce": "short"}, "bad_nonce", id="a nonce that is too short"),
        pytest.param({"nonce": "x" * 200}, "bad_nonce", id="a nonce that is too long"),
        pytest.param({"nonce": "é" * 32}, "bad_nonce", id="a nonce that is no ASCII"),
    ],
)
def test_a_request_that_is_not_the_operators_is_refused(door: Door, request_: dict[str, object], result: str) -> None:
    assert refusal(door, **request_) == result


def test_an_unsigned_request_is_refused(door: Door) -> None:
    with pytest.raises(RefusedError, match="not signed"):
        door.gate.admit(SummaryRequest("", "", ""))


def test_a_signature_that_is_no_ascii_is_refused(door: Door) -> None:
    with pytest.raises(RefusedError, match="key"):
        door.gate.admit(SummaryRequest("n" * 32, UID, "é" * 64))


def test_a_nonce_is_good_once(door: Door) -> None:
    door.ask(nonce="n" * 32)
    assert refusal(door, nonce="n" * 32) == "replay"


def test_requests_that_are_not_signed_well_cannot_make_a_nonce_good_again(door: Door) -> None:
    door.ask(nonce="n" * 32)
    for _ in range(MAX_NONCES + 10):
        assert refusal(door, key=b"x" * 32) == "wrong_key"
    assert refusal(door, nonce="n" * 32) == "replay"


def test_remembered_nonces_are_bounded(door: Door) -> None:
    for _ in range(MAX_NONCES + 10):
        door.ask()
    assert len(door.gate._seen) == MAX_NONCES


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_without_a_key_nobody_is_let_in(tmp_path: Path, content: bytes | None) -> None:
    door = Door(tmp_path)
    door.file.unlink()
    if content is not None:
        door.file.write_bytes(content)
    assert refusal(door, key=b"") == "no_key"
    assert refusal(door, key=content or b"x") == "no_key"


def test_a_key_file_that_goes_away_leaves_the_last_key_in_force(door: Door) -> None:
    door.ask()
    door.file.unlink()
    assert door.ask() == OLD
