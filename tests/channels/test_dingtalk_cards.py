"""DingTalk's cards: links as buttons, by the custom robot, the app's robot and work notices; never over a limit."""

from dataclasses import replace

import orjson
import pytest
from channel_examples import make, message, text
from dingtalk_stage import AGENT, NOTICES, ONE, say, staged
from hypothesis import given, settings
from hypothesis import strategies as st
from mention_samples import PHONE, ZHANG, mention
from pydantic import ValidationError
from rendering_samples import NOW, alert, batch, channel, renderer

from receiver.text import Extras, Mentions

BUTTONS = [(f"查看{number}", f"https://ours.example/{number}?a=b&c={number}") for number in range(1, 8)]
CARD = {"format": "action_card"}
ID = "0193a1b2c3d4e5f6a7b8c9d0e1f2"
APPS = {"robot": {**ONE, **CARD}, "notice": {**NOTICES, **CARD}}
each_app = pytest.mark.parametrize("changes", APPS.values(), ids=APPS)


@pytest.fixture
async def stage(aiohttp_server, monkeypatch):
    async with staged(aiohttp_server, monkeypatch) as stage:
        yield stage


def said(count, **words):
    return replace(text(**words), extras=Extras(buttons=tuple(BUTTONS[:count])))


def robot(**changes):
    return make("dingtalk_robot", **CARD, **changes)


def composed(made, said):
    return orjson.loads(made.compose(said, ID))


@pytest.mark.parametrize("kind", ["dingtalk_robot", "dingtalk_app"])
def test_only_cards_take_buttons(kind):
    assert make(kind).takes == frozenset()
    assert make(kind, **CARD).takes == {"buttons"}
    with pytest.raises(ValidationError, match="'markdown' or 'action_card'"):
        make(kind, format="feedCard")


class TestCustomRobot:
    def test_several_buttons(self):
        btns = [{"title": words, "actionURL": url} for words, url in BUTTONS[:2]]
        card = {"title": "t", "text": "#### t\n\nb", "btnOrientation": "0", "btns": btns}
        assert composed(robot(), said(2, title="t", body="b")) == {
            "msgtype": "actionCard",
            "actionCard": card,
            "msgUuid": ID,
        }

    def test_one_button_is_the_whole_card(self):
        card = composed(robot(), said(1, title="t", body="b"))["actionCard"]
        assert (card["singleTitle"], card["singleURL"]) == BUTTONS[0]
        assert "btns" not in card

    def test_without_buttons_it_is_a_markdown(self):
        assert composed(robot(), text()) == composed(make("dingtalk_robot"), text())

    @pytest.mark.parametrize("count", [1, 2])
    def test_one_without_words_is_not_refused(self, count):
        card = composed(robot(), replace(text(), extras=Extras(buttons=(("", "https://a.example/"),) * count)))
        assert orjson.dumps(card["actionCard"]).count("…".encode()) == count

    def test_plain_text_has_no_buttons(self):
        assert composed(robot(), text(plain=True))["msgtype"] == "text"

    async def test_people_are_mentioned_in_its_text(self, stage):
        made = make("dingtalk_robot", stage.http.client(), base_url=stage.url, **CARD)
        stage.sandbox.register("dingtalk_robot", made.identity[0], secret=made.identity[1])
        everybody = Mentions((mention(ZHANG), mention(PHONE)), everyone=True)
        content = made.compose(replace(said(3), mentions=everybody), ID)
        await made.send(message(content, ID), stage.sandbox.clock())
        shown = stage.messages[0]
        assert shown.mentions == ("manager4220", "all")
        assert shown.links == tuple(url for _, url in BUTTONS[:3])
        assert orjson.loads(content)["at"]["atMobiles"] == [PHONE["mobile"]]


class TestApp:
    @pytest.mark.parametrize(
        ("count", "key"),
        [(0, "sampleMarkdown"), (1, "sampleActionCard"), *((n, f"sampleActionCard{n}") for n in (2, 3, 4, 5))],
    )
    async def test_each_number_of_buttons_has_its_key(self, stage, count, key):
        await say(stage.app(**APPS["robot"]), said(count))
        assert (stage.messages[0].msgtype, stage.messages[0].links) == (key, tuple(url for _, url in BUTTONS[:count]))

    @pytest.mark.parametrize(("count", "msgtype"), [(0, "markdown"), (1, "action_card"), (5, "action_card")])
    async def test_as_a_notice(self, stage, count, msgtype):
        await say(stage.app(**APPS["notice"]), said(count))
        shown = stage.messages[0]
        assert (shown.msgtype, shown.links) == (msgtype, tuple(url for _, url in BUTTONS[:count]))

    def test_a_notice_is_written_with_underscores(self):
        card = composed(make("dingtalk_app", **APPS["notice"]), said(2, title="t", body="b"))
        rows = [{"title": words, "action_url": url} for words, url in BUTTONS[:2]]
        block = {"title": "t", "markdown": "#### t\n\nb\n\n#c9d0e1f2", "btn_orientation": "0", "btn_json_list": rows}
        assert card == {"msgtype": "action_card", "action_card": block}

    @each_app
    async def test_the_sixth_button_is_a_link_below_the_text(self, stage, changes):
        await say(stage.app(**changes), said(7))
        shown = stage.messages[0]
        assert shown.links == tuple(url for _, url in (*BUTTONS[5:], *BUTTONS[:5]))
        assert "查看6 · 查看7" in shown.plain

    @pytest.mark.parametrize("button", [("x" * 21, "https://a.example/"), ("x", f"https://a.example/{'x' * 500}")])
    async def test_what_a_notice_cannot_have_as_a_button_is_a_link(self, stage, button):
        await say(stage.app(**APPS["notice"]), replace(text(), extras=Extras(buttons=(button,))))
        assert (stage.messages[0].msgtype, stage.messages[0].links) == ("markdown", (button[1],))

    @each_app
    @pytest.mark.parametrize("count", [1, 2, 6])
    async def test_one_without_words_is_not_refused(self, stage, changes, count):
        buttons = tuple(("", url) for _, url in BUTTONS[:count])
        await say(stage.app(**changes), replace(text(), extras=Extras(buttons=buttons)))
        assert sorted(stage.messages[0].links) == [url for _, url in buttons]

    async def test_rows_of_a_notice_have_a_thousand_characters(self, stage):
        buttons = tuple((f"b{number}", f"https://a.example/{'x' * 300}{number}") for number in range(4))
        await say(stage.app(**APPS["notice"]), replace(text(), extras=Extras(buttons=buttons)))
        card = orjson.loads(stage.messages[0].raw)["msg"]["action_card"]
        assert [row["title"] for row in card["btn_json_list"]] == ["b0", "b1"]
        assert [url for _, url in buttons[2:]] == [*stage.messages[0].links[:2]]

    def test_a_channel_with_both_counts_as_a_notice(self):
        both = make("dingtalk_app", agent_id=AGENT, robot_code="r", to={"users": ["u1"], "departments": [1]}, **CARD)
        notice = make("dingtalk_app", **APPS["notice"])
        assert [both.room(plain) for plain in (True, False)] == [notice.room(plain) for plain in (True, False)]
        assert both.compose(said(7), ID) == notice.compose(said(7), ID)


FORMS = {
    **{f"app-{name}": ("dingtalk_app", changes) for name, changes in APPS.items()},
    "robot": ("dingtalk_robot", CARD),
}
SIGNS = st.text(st.sampled_from('<&"\\\n\x00\u202e*_`](#@漢😀a '), min_size=1, max_size=8)
URLS = st.integers(0, 600).map(lambda length: f"https://a.example/{'x' * length}")


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("kind", "changes"), FORMS.values(), ids=FORMS)
@given(
    title=SIGNS,
    repeated=st.sampled_from([1, 20, 400]),
    unit=SIGNS,
    buttons=st.lists(st.tuples(SIGNS, URLS), max_size=8),
)
@settings(deadline=None)
def test_what_fits_the_room_never_exceeds_the_limit(kind, changes, plain, title, repeated, unit, buttons):
    made, title = make(kind, **changes), title * repeated
    people = Mentions((mention(ZHANG), mention(PHONE)), everyone=True)
    extras = Extras()
    for button in () if plain else buttons:
        more = Extras(buttons=(*extras.buttons, button))
        extras = more if made.weigh_extras(more) < made.room(plain) // 2 else extras
    room = made.room(plain) - made.weigh_mentions(people, plain) - made.weigh_extras(extras)
    while made.weigh(title) > room:
        title = title[: len(title) // 2]
    body = unit * ((room - made.weigh(title)) // made.weigh(unit))
    content = made.compose(replace(text(title, body, plain=plain), mentions=people, extras=extras), ID)
    used, most = made.fill(content)
    assert 0 < used <= most
    assert plain or repeated > 20 or used > most - 700  # no room is wasted


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("kind", "changes"), FORMS.values(), ids=FORMS)
def test_the_shipped_template_gives_a_single_alert_its_buttons(kind, changes, language):
    runbook = {"summary": "disk full", "runbook_url": "https://wiki.example/disk"}
    made = channel(kind, **changes, language=language)
    (one,) = renderer().render(made, batch(alert(annotations=runbook)), NOW).texts
    assert "https://wiki.example/disk" in dict(map(reversed, one.extras.buttons))
    assert "wiki.example" not in one.body
    (marked,) = (
        renderer().render(channel("dingtalk_robot", language=language), batch(alert(annotations=runbook)), NOW).texts
    )
    assert "(https://wiki.example/disk)" in marked.body
