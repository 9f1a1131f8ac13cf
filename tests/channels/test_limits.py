"""What a channel may set of its limits, what holds where it does not, and when a month begins."""

import pytest
from channel_examples import settings
from pydantic import ValidationError

from receiver.channels.limits import LimitSettings, month_of
from receiver.settings import Rate


def test_the_defaults():
    limits = settings("wecom_robot").limits
    assert (limits.rate, limits.gather, limits.tell_within, limits.fallback_after) == (None, 1.0, 60.0, 120.0)
    assert limits.monthly is None


@pytest.mark.parametrize(
    ("offered", "read"),
    [
        ({"rate": "50/1m"}, {"rate": Rate(50, 60.0)}),
        ({"gather": "500ms"}, {"gather": 0.5}),
        ({"tell_within": "5m"}, {"tell_within": 300.0}),
        ({"fallback_after": "90s"}, {"fallback_after": 90.0}),
        ({"monthly": 3000}, {"monthly": 3000}),
        (dict.fromkeys(("gather", "tell_within", "fallback_after", "monthly"), 0), {"gather": 0, "monthly": 0}),
    ],
)
def test_each_can_be_set_and_switched_off(offered, read):
    limits = LimitSettings.model_validate(offered)
    assert {name: getattr(limits, name) for name in read} == read


@pytest.mark.parametrize(
    "wrong", [{"gather": 1}, {"gather": "-1s"}, {"monthly": -1}, {"monthly": "many"}, {"gater": "1s"}]
)
def test_what_is_no_limit(wrong):
    with pytest.raises(ValidationError):
        LimitSettings.model_validate(wrong)


@pytest.mark.parametrize(
    ("now", "month"),
    [
        (0.0, "1970-01"),
        (1_796_054_399.999, "2026-11"),
        (1_796_054_400.0, "2026-12"),
        (1_798_732_799.0, "2026-12"),
        (1_798_732_800.0, "2027-01"),
    ],
)
def test_a_month_begins_at_midnight_in_china(now, month):
    assert month_of(now) == month
