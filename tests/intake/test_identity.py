import json

from receiver.auth import Signed
from receiver.intake.formats import parse
from receiver.intake.identity import group, marks

ALERT = {"status": "firing", "labels": {"alertname": "A"}, "startsAt": "2026-01-01T00:00:00Z"}


def told(path="/webhook", channels=(), headers=None, signed=None, **top):
    body = {"receiver": "r", "groupKey": "g", "alerts": [ALERT], **top}
    event = parse(json.dumps(body).encode(), "", 0.0)
    return marks(event, path, channels, headers or {}, signed)


def test_an_alertmanager_pair_says_the_same():
    assert told(externalURL="http://am-1") == told(externalURL="http://am-2")


def test_the_order_of_alerts_and_channels_does_not_matter():
    other = {**ALERT, "labels": {"alertname": "B"}}
    assert told(alerts=[ALERT, other]) == told(alerts=[other, ALERT])
    assert told(channels=("a", "b")) == told(channels=("b", "a"))


def test_what_differs_is_another_notification():
    different = [
        told(),
        told(path="/webhook/alertmanager"),
        told(channels=("x",)),
        told(receiver="s"),
        told(groupKey="h"),
        told(alerts=[{**ALERT, "status": "resolved"}]),
        told(alerts=[{**ALERT, "startsAt": "2026-01-01T00:00:01Z"}]),
        told(alerts=[ALERT, {**ALERT, "labels": {"alertname": "B"}}]),
        told(notification_reason="repeat interval elapsed"),
    ]
    assert len({mark.scope for (mark,) in different}) == len(different)


def test_the_other_reasons_do_not_make_a_difference():
    assert told(notification_reason="first notification") == told(notification_reason="new alerts added") == told()


def test_without_start_times_only_the_latest_of_the_group_counts():
    firing = {"status": "firing", "labels": {"alertname": "A"}}
    (first,) = told(alerts=[firing])
    (second,) = told(alerts=[{**firing, "status": "resolved"}])
    assert first.scope == second.scope
    assert first.digest != second.digest


def test_an_id_or_signature_given_is_remembered_longer():
    by_body, by_id, by_signature = told(headers={"webhook-id": "msg_1"}, signed=Signed("grafana", "abc", True))
    assert (by_body.window, by_id.window, by_signature.window) == (120.0, 600.0, 600.0)
    assert told(headers={"idempotency-key": "msg_1"})[1] == by_id
    assert told(signed=Signed("grafana", "abc", False))[1].window == 120.0


def test_the_group_is_the_receiver_s_group_key_or_else_the_labels():
    def of(**top):
        return group(parse(json.dumps({"alerts": [], **top}).encode(), "", 0.0))

    assert of(receiver="a", groupKey="k") != of(receiver="b", groupKey="k")
    assert of(groupKey="k", groupLabels={"x": "1"}) == of(groupKey="k", groupLabels={"x": "2"})
    assert of(groupLabels={"x": "1"}) != of(groupLabels={"x": "2"})
    assert of(commonLabels={"x": "1"}) != of(commonLabels={"x": "2"})


def test_an_id_counts_for_its_sender_and_the_channels_it_named():
    def by_id(source="am", **more):
        return marks(parse(json.dumps({"alerts": [ALERT]}).encode(), source, 0.0), "/webhook", **more)[1]

    one = {"channels": ("a",), "headers": {"webhook-id": "1"}, "signed": None}
    assert by_id(**one) == by_id(**one)
    assert by_id(**one) != by_id(**{**one, "channels": ("b",)})
    assert by_id(**one) != by_id("grafana", **one)
