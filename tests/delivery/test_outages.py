"""When trouble is a provider's and not a channel's."""

from __future__ import annotations

import pytest

from receiver.delivery.outages import WITHIN, Outages

NOW = 1_790_000_000.0


def outages(*failed: tuple[str, float], of: int = 10, provider: str = "wecom") -> Outages:
    """What is remembered when these credentials failed so many seconds before NOW, out of so many."""
    found = Outages({"wecom": of, "feishu": of})
    for credential, ago in sorted(failed, key=lambda pair: -pair[1]):
        found.failed(provider, credential, NOW - ago)
    return found


@pytest.mark.parametrize(
    ("number", "of", "wide"),
    [(1, 1, False), (1, 3, False), (2, 2, True), (2, 6, True), (2, 7, False), (3, 10, True), (29, 100, False)],
)
def test_at_least_two_and_at_least_three_in_ten(number, of, wide):
    found = outages(*((f"key{one}", 1.0) for one in range(number)), of=of)
    assert found.wide("wecom", NOW) is wide


def test_the_same_credential_counts_once():
    assert not outages(("a", 3.0), ("a", 2.0), ("a", 1.0), of=2).wide("wecom", NOW)


@pytest.mark.parametrize(("ago", "wide"), [(WITHIN - 0.001, True), (WITHIN, False), (600.0, False)])
def test_they_fail_within_the_same_minute(ago, wide):
    assert outages(("a", ago), ("b", 0.0), of=2).wide("wecom", NOW) is wide


def test_who_fails_again_fails_now():
    assert outages(("a", 90.0), ("a", 10.0), ("b", 0.0), of=2).wide("wecom", NOW)


def test_another_provider_is_not_out():
    assert not outages(("a", 1.0), ("b", 1.0), of=2).wide("feishu", NOW)


def test_of_a_provider_that_nobody_counted_two_are_enough():
    found = Outages({})
    found.failed("wecom", "a", NOW)
    assert not found.wide("wecom", NOW)
    found.failed("wecom", "b", NOW)
    assert found.wide("wecom", NOW)


def test_a_clock_that_was_set_back_makes_no_outage():
    found = Outages({"wecom": 2})
    found.failed("wecom", "a", NOW + 3600.0)
    found.failed("wecom", "b", NOW)
    assert not found.wide("wecom", NOW)
    found.failed("wecom", "a", NOW)
    assert found.wide("wecom", NOW)


def test_what_is_over_is_forgotten():
    found = Outages({"wecom": 2})
    for number in range(1000):
        found.failed("wecom", f"key{number}", NOW + number * WITHIN)
    assert len(found._failed["wecom"]) == 1
