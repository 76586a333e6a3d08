"""A summary is believed only from the pod that was asked, for the question that was asked."""

from modelmonitor_api.signing import sign_answer, sign_request, verify

KEY, NONCE, UID, BODY = b"k" * 32, "nonce", "uid", b"body"


def test_every_part_of_an_answer_changes_its_signature() -> None:
    good = sign_answer(KEY, NONCE, UID, BODY)
    others = [
        sign_answer(b"x" * 32, NONCE, UID, BODY),
        sign_answer(KEY, "other", UID, BODY),
        sign_answer(KEY, NONCE, "other", BODY),
        sign_answer(KEY, NONCE, UID, b"other"),
    ]
    assert verify(good, sign_answer(KEY, NONCE, UID, BODY))
    assert not any(verify(good, other) for other in others)


def test_bytes_that_move_between_two_parts_change_the_signature() -> None:
    assert sign_answer(KEY, "ab", "c", BODY) != sign_answer(KEY, "a", "bc", BODY)


def test_a_request_is_no_answer() -> None:
    assert sign_request(KEY, NONCE, UID) != sign_answer(KEY, NONCE, UID, b"")


def test_a_signature_that_is_no_ascii_is_refused_and_not_an_error() -> None:
    assert not verify(sign_request(KEY, NONCE, UID), "ü" * 64)
