import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver import severity as severity_
from receiver.intake.formats import parse
from receiver.intake.routing import Routes, RouteSettings, direct
from receiver.model import Delivery, State


def routes(**root):
    return Routes(RouteSettings.model_validate({"channels": ["default"], **root}))


def event(*alerts, **top):
    body = {"alerts": [{"labels": labels} for labels in alerts], **top}
    return parse(json.dumps(body).encode(), "", 0.0)


def channels(tree, labels, source="alertmanager", receiver=""):
    return [target.channel for target in tree.targets(labels, frozenset((source,)), receiver)]


def test_the_root_takes_what_no_child_takes():
    tree = routes(routes=[{"matchers": ["team=db"], "channels": ["db"]}])
    assert channels(tree, {"team": "web"}) == ["default"]
    assert channels(tree, {}) == ["default"]


def test_a_routed_alert_does_not_also_go_to_the_default():
    tree = routes(routes=[{"matchers": ["team=db"], "channels": ["db"]}])
    assert channels(tree, {"team": "db"}) == ["db"]


def test_the_first_child_that_matches_wins_unless_it_continues():
    children = [
        {"matchers": ["a=1"], "channels": ["one"], "continue": True},
        {"matchers": ["a=~.*"], "channels": ["two"]},
        {"matchers": ["a=1"], "channels": ["three"]},
    ]
    assert channels(routes(routes=children), {"a": "1"}) == ["one", "two"]
    assert channels(routes(routes=children), {"a": "2"}) == ["two"]


def test_a_child_without_channels_has_its_parent_s():
    tree = routes(routes=[{"matchers": ["a=1"], "channels": ["one"], "routes": [{"matchers": ["b=1"]}]}])
    assert channels(tree, {"a": "1", "b": "1"}) == ["one"]


def test_a_channel_reached_twice_is_owed_once():
    children = [{"matchers": ["a=1"], "channels": ["x"], "continue": True}, {"matchers": ["b=1"], "channels": ["x"]}]
    assert channels(routes(routes=children), {"a": "1", "b": "1"}) == ["x"]


def test_by_sender_and_by_receiver():
    children = [{"sources": ["grafana"], "channels": ["g"]}, {"receivers": ["web.hook"], "channels": ["r"]}]
    tree = routes(routes=children)
    assert channels(tree, {}, source="grafana") == ["g"]
    assert channels(tree, {}, receiver="web.hook") == ["r"]
    assert channels(tree, {}) == ["default"]


def test_an_event_is_shared_out_by_alert():
    tree = routes(routes=[{"matchers": ["team=db"], "channels": ["db", "duty"]}])
    shares = tree.route(event({"team": "db"}, {"team": "web"}, {"team": "db"}))
    assert {share.channel: share.alerts for share in shares} == {"db": (0, 2), "duty": (0, 2), "default": (1,)}


def test_the_priority_is_the_route_s_or_the_highest_severity_s():
    tree = routes(routes=[{"matchers": ["team=low"], "channels": ["low"], "priority": "low"}])
    shares = tree.route(event({"severity": "info"}, {"severity": "critical"}, {"team": "low", "severity": "critical"}))
    assert {share.channel: share.priority for share in shares} == {"default": "high", "low": "low"}


def test_an_event_without_alerts_is_routed_by_its_common_labels():
    tree = routes(routes=[{"matchers": ["team=db"], "channels": ["db"]}])
    assert [share.channel for share in tree.route(event(commonLabels={"team": "db"}))] == ["db"]


def test_named_channels_get_every_alert():
    shares = direct(event({"severity": "warning"}, {"severity": "critical"}), ["a", "b", "a"])
    assert [(share.channel, share.alerts, share.priority) for share in shares] == [
        ("a", (0, 1), "high"),
        ("b", (0, 1), "high"),
    ]


@pytest.mark.parametrize(
    ("severity", "priority"),
    [("Critical", "high"), ("warning", "normal"), ("", "normal"), ("info", "low"), ("x", "normal")],
)
def test_the_priority_of_a_severity(severity, priority):
    assert severity_.priority({"severity": severity}) == priority


names = st.sampled_from(["team", "severity", "env"])
values = st.sampled_from(["a", "b", "c"])
matcher = st.builds(lambda n, o, v: f'{n}{o}"{v}"', names, st.sampled_from(["=", "!=", "=~", "!~"]), values)
node = st.recursive(
    st.fixed_dictionaries(
        {
            "matchers": st.lists(matcher, max_size=2),
            "channels": st.lists(values, min_size=1, max_size=2),
            "continue": st.booleans(),
        }
    ),
    lambda inner: st.fixed_dictionaries(
        {"matchers": st.lists(matcher, max_size=2), "continue": st.booleans(), "routes": st.lists(inner, max_size=4)}
    ),
    max_leaves=12,
)


def walk(settings, labels, inherited):
    """The tree as Alertmanager's documentation words it, without an index."""
    own = settings.channels or inherited
    found = []
    for child in settings.routes:
        if all(one.matches(labels) for one in child.matchers):
            found += walk(child, labels, own)
            if not child.continue_:
                break
    return found or list(own)


@given(st.lists(node, max_size=5), st.dictionaries(names, values))
def test_the_index_answers_as_the_plain_walk_does(children, labels):
    settings = RouteSettings.model_validate({"channels": ["default"], "routes": children})
    assert channels(Routes(settings), labels) == list(dict.fromkeys(walk(settings, labels, ())))


def said(tree, route, *alerts, channel="default"):
    """Whom the tree names for the alerts of a delivery, and for how many of them."""
    made = event(*alerts)
    owed = Delivery("d", "e", channel, "webhook", "default", route, "g", "normal", State.QUEUED, 0.0, 0.0)
    return [(rule.names, len(those)) for rule, those in tree.mentions(made, owed, made["alerts"])]


MENTIONING = {
    "mentions": ["root"],
    "routes": [
        {"matchers": ["a=1"], "routes": [{"matchers": ["b=1"]}, {"matchers": ["b=2"], "mentions": ["deep"]}]},
        {"matchers": ["a=2"], "mentions": []},
        {"matchers": ["a=3"], "mentions": ["other"], "channels": ["elsewhere"], "name": "third"},
    ],
}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, [(("root",), 1)]),
        ({"a": "1"}, [(("root",), 1)]),
        ({"a": "1", "b": "1"}, [(("root",), 1)]),
        ({"a": "1", "b": "2"}, [(("deep",), 1)]),
        ({"a": "2"}, [((), 1)]),
    ],
)
def test_a_child_without_mentions_has_its_parents(labels, expected):
    assert said(routes(**MENTIONING), "route", labels) == expected


def test_alerts_of_several_routes_in_one_delivery_have_each_their_own_mentions():
    tree = routes(**MENTIONING)
    assert said(tree, "route", {}, {"a": "1", "b": "2"}, {"a": "1"}) == [(("root",), 2), (("deep",), 1)]


def test_mentions_go_by_the_channel():
    tree = routes(**MENTIONING)
    assert said(tree, "third", {"a": "3"}, channel="elsewhere") == [(("other",), 1)]


def test_a_delivery_that_no_route_takes_there_any_more_has_the_mentions_of_its_own():
    assert said(routes(**MENTIONING), "third", {"a": "1"}, channel="gone") == [(("other",), 1)]


@pytest.mark.parametrize("route", ["?channel=", "route.routes[9]"])
def test_past_the_routes_nobody_is_mentioned(route):
    assert said(routes(**MENTIONING), route, {}) == []


def test_without_mentions_there_are_no_rules():
    assert said(routes(routes=[{"matchers": ["a=1"]}]), "route", {"a": "1"}) == []
