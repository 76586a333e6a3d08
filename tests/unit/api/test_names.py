"""Names of a ModelMonitor's objects: legal, and never another monitor's, whatever somebody calls his own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelmonitor_api.names import MAX_OBJECT_NAME, object_name

DNS_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
LEGAL = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,80}[a-z0-9])?", fullmatch=True)


@given(LEGAL)
def test_every_name_becomes_a_dns_label(name: str) -> None:
    made = object_name(name)
    assert re.fullmatch(DNS_LABEL, made)
    assert len(made) <= MAX_OBJECT_NAME


@pytest.mark.parametrize(
    "name", ["fraud.v2", "a-very-long-name-of-a-model-that-no-dns-label-has-room-for-at-all", "team/x"]
)
def test_nobody_can_call_his_monitor_as_the_object_of_another_is_called(name: str) -> None:
    wanted = object_name(name)
    crafted = wanted.removeprefix("modelmonitor-")
    assert object_name(crafted) != wanted


def test_namespace_and_name_cannot_be_shifted_into_each_other() -> None:
    assert len({object_name("a/b-c"), object_name("a-b/c"), object_name("a-b-c"), object_name("a.b-c")}) == 4
