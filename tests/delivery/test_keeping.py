"""One message, kept true: what is shown in place, what rings anew, and what says that it does not count any more."""

from dataclasses import replace

import pytest
from rendering_samples import alert, event

from receiver.channels.base import Updating
from receiver.delivery.keeping import Told, card, in_place, outdated, says_no_more, told
from receiver.model import Card, Carried, Message

NOW, DAY = 1_767_700_800.0, 86400.0
FORTNIGHT, ONCE = Updating(14 * DAY), Updating(3 * DAY, 1)
CRITICAL, HIGH, WARNING, NONE = 0, 1, 2, 9
FIRST = Card("lark", "g", "t", 1, "om_1", posted_at=NOW, told="A", rank=WARNING)
JOINED = Told("A B", WARNING, False)
RESOLVED = Told("a", NONE, False)
MESSAGE = Message("m", "lark", b"", (Carried("d", (0,)),), target="t")


def places(new, one=FIRST, updating=FORTNIGHT, now=NOW + 60):
    return in_place([one], new, updating, now)


def say_no_more(shown=(), one=FIRST, updating=FORTNIGHT, targets=("t",), now=NOW + 60):
    return outdated([one], shown, targets, updating, now)


class TestTold:
    def test_the_digest_names_alerts_statuses_and_starts_in_any_order(self):
        made = event(alert(fingerprint="1"), alert(fingerprint="2"))
        first, second = made["alerts"]
        same = told(made, [first, second]).digest
        assert told(made, [second, first]).digest == same
        changed = ({"status": "resolved"}, {"startsAt": "2026-01-01T00:00:00Z"}, {"fingerprint": "3"})
        assert same not in {told(made, [first, {**second, **change}]).digest for change in changed}
        assert told(made, [first, {**second, "annotations": {"value": "97"}}]).digest == same

    @pytest.mark.parametrize(
        ("alerts", "rank", "firing"),
        [
            ([("firing", "warning"), ("firing", "critical")], CRITICAL, True),
            ([("firing", "warning"), ("resolved", "critical")], WARNING, True),
            ([("resolved", "critical")], NONE, False),
            ([("firing", "p1")], HIGH, True),
            ([], NONE, False),
        ],
    )
    def test_the_rank_is_of_what_fires(self, alerts, rank, firing):
        made = event(*(alert(status=status, labels={"severity": severity}) for status, severity in alerts))
        made["alerts"] = made["alerts"][: len(alerts)]
        said = told(made, made["alerts"])
        assert (said.rank, said.firing) == (rank, firing)

    @pytest.mark.parametrize(("reason", "repeat"), [("repeat interval elapsed", True), ("", False), ("x", False)])
    def test_the_sender_says_what_is_a_repetition(self, reason, repeat):
        assert told(event(alert(), notification_reason=reason), []).repeat is repeat


class TestInPlace:
    @pytest.mark.parametrize(
        ("new", "shown"),
        [
            (JOINED, True),
            (RESOLVED, True),
            (Told("A B", NONE - 1, False), True),
            (Told("A", WARNING, False), False),
            (Told("A B", WARNING, True), False),
            (Told("A B", CRITICAL, False), False),
            (Told("a", NONE, True), True),
            (Told("A", NONE, False), True),
        ],
        ids=["joined", "resolved", "milder", "the same", "repeated", "worse", "resolved again", "same, resolved"],
    )
    def test_a_change_is_shown_and_what_must_ring_is_not(self, new, shown):
        assert places(new) == ({("t", 1): FIRST} if shown else {})

    def test_worse_than_all_before_it_and_not_than_the_last(self):
        worse = card(replace(MESSAGE, updates="om_1"), "g", "om_1", [replace(FIRST, rank=CRITICAL)], JOINED, NOW)
        assert worse.rank == CRITICAL
        assert places(Told("A C", CRITICAL, False), worse)

    @pytest.mark.parametrize(("age", "shown"), [(0, True), (14 * DAY - 301, True), (14 * DAY - 300, False)])
    def test_two_weeks_long(self, age, shown):
        assert bool(places(RESOLVED, now=NOW + age)) is shown
        assert bool(say_no_more(now=NOW + age)) is shown

    def test_what_has_ended_is_not_begun_again(self):
        assert places(JOINED, replace(FIRST, live=False)) == {}
        assert say_no_more(one=replace(FIRST, live=False)) == []

    @pytest.mark.parametrize(
        ("new", "updates", "shown"), [(JOINED, 0, False), (RESOLVED, 0, True), (RESOLVED, 1, False)]
    )
    def test_the_only_update_is_kept_for_the_end(self, new, updates, shown):
        assert bool(places(new, replace(FIRST, updates=updates), ONCE)) is shown

    def test_each_target_and_part_has_its_own(self):
        others = [FIRST, replace(FIRST, target="u"), replace(FIRST, number=2)]
        assert set(in_place(others, RESOLVED, FORTNIGHT, NOW)) == {("t", 1), ("u", 1), ("t", 2)}


class TestOutdated:
    def test_what_is_not_shown_says_so(self):
        assert say_no_more() == [FIRST]
        assert say_no_more([FIRST]) == []

    def test_not_where_an_update_is_precious(self):
        assert say_no_more(updating=ONCE) == []

    def test_not_for_whom_is_no_longer_written_to(self):
        assert say_no_more(targets=("u",)) == []


class TestCard:
    def test_a_post_begins_one(self):
        made = card(MESSAGE, "g", "om_2", [FIRST], JOINED, NOW + 60)
        assert made == Card("lark", "g", "t", 1, "om_2", NOW + 60, 0, "A B", WARNING, True)

    def test_an_update_goes_on_with_it(self):
        made = card(replace(MESSAGE, updates="om_1"), "g", "om_1", [FIRST], RESOLVED, NOW + 60)
        assert made == replace(FIRST, updates=1, told="a", live=False)

    def test_a_text_and_what_says_no_more_are_none(self):
        gone = replace(MESSAGE, updates="om_1", carries=(Carried("d"),))
        assert card(replace(MESSAGE, plain=True), "g", "om_2", [FIRST], JOINED, NOW) is None
        assert card(gone, "g", "om_1", [FIRST], JOINED, NOW) is None
        assert [says_no_more(one) for one in (gone, MESSAGE, replace(gone, updates=""))] == [True, False, False]
