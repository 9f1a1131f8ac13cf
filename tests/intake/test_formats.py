import json
from pathlib import Path

import pytest

from receiver.errors import BadPayload
from receiver.intake import typed
from receiver.intake.alertmanager import fingerprint
from receiver.intake.formats import _tolerant as tolerant
from receiver.intake.formats import parse

LIVE = Path(__file__).parents[1] / "payloads" / "alertmanager-live"
PUBLIC = Path(__file__).parents[3] / "shared" / "payloads" / "public"
NOW = 1_700_000_000.0


def event(body: object, source: str = ""):
    return parse(json.dumps(body).encode(), source, NOW)


def one(alert: dict, **top: object):
    return event({"alerts": [alert], **top})["alerts"][0]


@pytest.mark.parametrize("path", sorted(LIVE.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_reads_every_body_a_real_alertmanager_sent(path):
    sent = json.loads(path.read_bytes())
    if "alerts" not in sent:
        with pytest.raises(BadPayload, match="no list of alerts"):
            parse(path.read_bytes(), "", NOW)
        return
    read = parse(path.read_bytes(), "", NOW)
    assert read["format"] == read["source"] == "alertmanager"
    assert [alert["fingerprint"] for alert in read["alerts"]] == [alert["fingerprint"] for alert in sent["alerts"]]
    assert [alert["labels"] for alert in read["alerts"]] == [alert["labels"] for alert in sent["alerts"]]
    assert read["status"] == sent["status"]


@pytest.mark.parametrize("path", sorted(LIVE.glob("*/*_1.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_computes_the_fingerprint_alertmanager_computes(path):
    for alert in json.loads(path.read_bytes())["alerts"]:
        assert fingerprint(alert["labels"]) == alert["fingerprint"]


@pytest.mark.parametrize(
    ("folder", "form"),
    [("alertmanager", "alertmanager"), ("grafana-unified", "grafana"), ("grafana-legacy", "grafana")],
)
def test_tells_public_bodies_apart(folder, form):
    if not PUBLIC.is_dir():
        pytest.skip("the collected public bodies are not beside this checkout")
    for path in sorted((PUBLIC / folder).glob("*.json")):
        read = parse(path.read_bytes(), "", NOW)
        assert read["format"] == form, path.name
        assert all(alert["labels"] is not None and alert["fingerprint"] for alert in read["alerts"])


def test_unescapes_the_receiver():
    assert event({"alerts": [], "receiver": r"\[GChat\] web\.hook"})["receiver"] == "[GChat] web.hook"


def test_an_alert_without_status_inherits_the_body_s():
    assert one({"labels": {"a": "b"}}, status="resolved")["status"] == "resolved"
    assert one({"labels": {"a": "b"}})["status"] == "firing"
    assert one({"status": "firing|resolved"}, status="firing|resolved")["status"] == "firing"


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", None, "2099-01-01T00:00:00Z"])
def test_a_firing_alert_has_no_end(end):
    assert one({"status": "firing", "endsAt": end})["endsAt"] == ""


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00Z", "1970-01-01T08:00:00+08:00", "", None, {}, True])
def test_a_zero_start_is_no_start(start):
    assert one({"startsAt": start})["startsAt"] == ""


def test_a_misspelt_start_and_a_unix_start_are_read():
    assert one({"sendsAt": "2026-01-02T03:04:05Z"})["startsAt"] == "2026-01-02T03:04:05Z"
    assert one({"startsAt": 1767323045})["startsAt"] == "2026-01-02T03:04:05Z"
    assert one({"startsAt": 1767323045000})["startsAt"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (1.5, "1.5"), (True, "true"), (["a", "b"], "a, b"), ({"x": 1}, ""), ("", "")]
)
def test_a_label_of_any_type_reads_as_text(value, text):
    assert one({"labels": {"alertname": "A", "x": value}})["labels"] == {"alertname": "A", "x": text}


def test_null_labels_and_objects_read_as_nothing():
    alert = one({"labels": {"alertname": "A", "gone": None}, "annotations": None})
    assert alert["labels"] == {"alertname": "A"}
    assert alert["annotations"] == {}


def test_an_integer_group_key_beyond_64_bits_is_kept():
    assert event({"alerts": [], "groupKey": 2**70})["groupKey"] == str(2**70)


@pytest.mark.parametrize(
    "top", [{"commonLabels": {"alertname": "X"}}, {"groupLabels": {"alertname": "X"}}, {"title": "X"}]
)
def test_a_missing_alertname_is_found_elsewhere(top):
    assert one({"labels": {"team": "db"}}, **top)["labels"] == {"alertname": "X", "team": "db"}


def test_an_alert_without_labels_has_the_common_ones():
    assert one({"status": "firing"}, commonLabels={"alertname": "X", "a": "b"})["labels"] == {
        "alertname": "X",
        "a": "b",
    }


def test_a_bare_array_is_firing_until_its_end_has_passed():
    read = event([{"labels": {"a": "1"}, "endsAt": "2023-11-14T22:00:00Z"}, {"labels": {"a": "2"}}, {"labels": {}}])
    assert [alert["status"] for alert in read["alerts"]] == ["resolved", "firing", "firing"]


def test_grafana_keeps_what_only_grafana_has():
    alert = one({"labels": {}, "valueString": "[ var='A' value=1 ]", "values": {"A": 1}, "silenceURL": "http://g/s"})
    assert alert["values"] == {"A": 1}
    assert alert["silenceURL"] == "http://g/s"
    assert event({"alerts": [{"values": None}]})["format"] == "grafana"


@pytest.mark.parametrize(
    ("state", "status"),
    [("alerting", "firing"), ("no_data", "firing"), ("ok", "resolved"), ("paused", "resolved"), ("", "firing")],
)
def test_legacy_states(state, status):
    read = event({"ruleId": 1, "ruleName": "CPU", "state": state, "evalMatches": [{"metric": "m", "value": None}]})
    assert read["status"] == status
    assert read["alerts"][0]["labels"]["alertname"] == "CPU"
    assert read["alerts"][0]["valueString"] == "m=null"


def test_legacy_tags_may_be_a_string_or_null():
    for tags in ("a string", None, {"team": "db"}):
        labels = event({"ruleId": 1, "ruleName": "CPU", "state": "ok", "tags": tags})["alerts"][0]["labels"]
        assert labels == {"alertname": "CPU", **(tags if isinstance(tags, dict) else {})}


@pytest.mark.parametrize(
    "body", [{}, {"text": "hi"}, {"alerts": "x"}, {"alerts": [1, 2]}, [], [1], "x", 5, None, {"alerts": {"a": 1}}]
)
def test_refuses_what_is_no_notification(body):
    with pytest.raises(BadPayload):
        event(body)


def test_the_source_is_who_said_so():
    assert event({"alerts": []}, "prod")["source"] == "prod"


@pytest.mark.parametrize("path", sorted(LIVE.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_quick_reading_comes_to_the_same_event_as_the_tolerant_one(path):
    body = path.read_bytes()
    quick = typed.parse(body, "am")
    assert (quick is None) == ("alerts" not in json.loads(body))
    if quick is not None:
        assert quick == tolerant(body, "am", NOW)


DEEP = json.loads(b"[" * 70 + b"]" * 70)
ODD = [
    {"labels": {"alertname": "A", "n": 1}},
    {"labels": {"alertname": "A", "x": None}},
    {"labels": {}},
    {"annotations": None},
    {"fingerprint": ""},
    {"startsAt": 5},
    {"status": "pending"},
    {"labels": {"alertname": "A\0"}},
    {"labels": {"alertname": "\ud800"}},
    {"valueString": ""},
    {"more": DEEP},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_is_odd_is_left_to_the_tolerant_reading(odd):
    body = json.loads((LIVE / "am-0.33.1" / "default_firing_1.json").read_bytes())
    body["alerts"][0].update(odd)
    assert typed.parse(json.dumps(body).encode(), "am") is None
