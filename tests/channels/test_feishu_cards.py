"""Feishu's cards, of bot and app: facts in two columns, buttons, people, colours, as the sandbox reads them."""

from dataclasses import replace

import orjson
import pytest
from channel_examples import make, text
from hostile_values import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from mention_samples import ZHANG, mention

from receiver.channels.feishu_card import MOST_BUTTONS, MOST_FIELDS
from receiver.sandbox.dialects import links_of
from receiver.sandbox.feishu_card import read_card
from receiver.text import Extras, Mentions

KINDS = ("feishu_bot", "feishu_app")
FIELDS = (("instance", "db1:9100"), ("持续", "5 分钟"), ("team", "db"))
BUTTONS = (("查看", "https://ours.example/?a=1&b=2"), ("Silence", "https://ours.example/s"))
both = pytest.mark.parametrize("kind", KINDS)


NONE, NOBODY = Extras(), Mentions()


def card(kind="feishu_app", extras=NONE, mentions=NOBODY, channel=None, **words):
    """What `kind` composes."""
    said = replace(text(**words), extras=extras, mentions=mentions)
    body = orjson.loads((channel or make(kind)).compose(said, "0193"))
    return body["card"] if kind == "feishu_bot" else body["content"]


def elements(*args, **more):
    return card(*args, **more)["body"]["elements"]


def told(one):
    """What the sandbox reads in a card; whatever it would not like is an error."""
    notes = []
    content = read_card(one, True, notes.append)
    assert notes == []
    return content


@both
def test_without_extras_a_card_is_its_body(kind):
    assert elements(kind) == [{"tag": "markdown", "content": "db1"}]


@both
def test_facts_stand_in_two_columns_above_the_body(kind):
    first, second, body = elements(kind, Extras(fields=FIELDS))
    shown = [one["elements"][0]["content"] for row in (first, second) for one in row["columns"]]
    assert shown == [f"<font color='grey'>{name}</font>\n{value}" for name, value in FIELDS]
    assert {one["width"] for row in (first, second) for one in row["columns"]} == {"weighted"}
    assert body["content"] == "db1"


@both
def test_buttons_stand_in_a_row_below_the_body(kind):
    body, row = elements(kind, Extras(buttons=BUTTONS))
    assert body["content"] == "db1"
    assert (row["tag"], row["flex_mode"]) == ("column_set", "flow")
    assert [one["elements"] for one in row["columns"]] == [
        [
            {
                "tag": "button",
                "text": {"tag": "plain_text", "content": words},
                "behaviors": [{"type": "open_url", "default_url": url}],
            }
        ]
        for words, url in BUTTONS
    ]


@both
def test_people_are_mentioned_between_body_and_buttons(kind):
    mentions = Mentions((mention(ZHANG), mention({"name": "n_o"})), everyone=True)
    people = elements(kind, Extras(buttons=BUTTONS), mentions)[1]
    assert people["content"] == f"<at id={ZHANG['feishu']}></at> @n_o <at id=all></at>"
    assert told(card(kind, Extras(FIELDS, BUTTONS), mentions)).mentions == (ZHANG["feishu"], "all")


@both
def test_a_value_is_read_as_it_is_and_leads_nowhere(kind):
    hostile = "<at id=all></at> [x](http://evil.example)"
    content = told(card(kind, Extras(((hostile, hostile), ("", hostile)), ((hostile, "https://ours.example/"),))))
    assert content.mentions == ()
    assert {part.url for part in content.parts} == {"", "https://ours.example/"}
    assert "evil.example)</font>\n&#60;at id=all>" in content.parts[0].text


@both
def test_more_facts_than_columns_hold_stand_in_lines(kind):
    fields = tuple((f"n{number}", f"v{number}") for number in range(MOST_FIELDS + 3))
    rows = elements(kind, Extras(fields=fields))
    assert len(rows) == MOST_FIELDS // 2 + 2
    rest = rows[-2]["content"].splitlines()
    assert rest == [f"<font color='grey'>n{number}</font> v{number}" for number in range(MOST_FIELDS, MOST_FIELDS + 3)]


@both
def test_more_buttons_than_a_row_holds_are_links(kind):
    buttons = tuple((f"b_{number}", f"https://ours.example/{number}") for number in range(MOST_BUTTONS + 2))
    _, row, rest = elements(kind, Extras(buttons=buttons))
    assert len(row["columns"]) == MOST_BUTTONS
    assert rest["content"] == "[b_12](https://ours.example/12) · [b_13](https://ours.example/13)"


@both
def test_a_button_says_at_most_a_hundred_characters(kind):
    extras = Extras(buttons=(("漢" * 101, "https://ours.example/1"), ("", "https://ours.example/2")))
    words = [one["elements"][0]["text"]["content"] for one in elements(kind, extras)[1]["columns"]]
    assert words == ["漢" * 99 + "…", "https://ours.example/2"]


@both
def test_facts_alone_make_a_body(kind):
    (only,) = elements(kind, Extras(fields=FIELDS[:1]), body="")
    assert only["tag"] == "column_set"
    assert elements(kind, body="") == [{"tag": "markdown", "content": "…"}]


@both
@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ({"severity": "critical"}, "red"),
        ({"severity": "warning"}, "orange"),
        ({"severity": "info"}, "blue"),
        ({"status": "resolved"}, "green"),
    ],
)
def test_the_header_tells_severity_and_state(kind, words, colour):
    assert card(kind, **words)["header"]["template"] == colour


@both
def test_what_does_not_count_any_more_is_grey(kind):
    channel, said = make(kind), replace(text(severity="critical"), muted=True)
    composed = orjson.loads(channel.compose(said, "1"))
    assert (composed.get("card") or composed["content"])["header"]["template"] == "grey"


@both
@pytest.mark.parametrize(("link", "leads"), [("https://ours.example/d?x=1#y", True), ("", False), ("lark://x", False)])
def test_the_whole_card_leads_where_the_channel_says(kind, link, leads):
    one = card(kind, channel=make(kind, link=link))
    assert one.get("card_link") == ({"url": link} if leads else None)
    assert [part.url for part in told(one).parts if part.url] == ([link] if leads else [])


def test_every_card_may_be_updated():
    assert card()["config"]["update_multi"] is True


@both
def test_a_text_has_no_extras(kind):
    channel, said = make(kind), replace(text("t", "b", plain=True), mentions=Mentions((mention(ZHANG),)))
    composed = orjson.loads(channel.compose(said, "1"))
    assert composed == {
        "msg_type": "text",
        "content": {"text": f't\nb\n\n<at user_id="{ZHANG["feishu"]}">张三</at>'},
    }


names = st.one_of(HOSTILE, st.sampled_from(["", "x" * 240, '"\\' * 120, "漢😀" * 60]))
urls = st.sampled_from(
    ["https://ours.example/", "https://ours.example/?q=" + '"&' * 200, "https://ours.example/" + "x" * 8000]
)
extras = st.builds(
    Extras,
    st.lists(st.tuples(names, names), max_size=60).map(tuple),
    st.lists(st.tuples(names, urls), max_size=60).map(tuple),
)


@both
@given(extras=extras, unit=st.sampled_from(["a", '"', "\\", "漢", "😀\n", "<&"]), title=names)
@settings(deadline=None)
def test_a_card_with_extras_fits_and_is_taken(kind, extras, unit, title):
    channel = make(kind, link="https://ours.example/" + '"' * 100)
    room = channel.room(False)
    while channel.weigh_extras(extras) > room // 2:
        extras = replace(extras, fields=extras.fields[:-1], buttons=extras.buttons[:-1])
    left = room - channel.weigh_extras(extras) - channel.weigh(title)
    one = replace(text(title, unit * (left // channel.weigh(unit))), extras=extras)
    used, limit = channel.fill(composed := channel.compose(one, "0" * 28))
    assert limit - 1500 < used <= limit
    body = orjson.loads(composed)
    content = told(body["card"] if kind == "feishu_bot" else body["content"])
    links = [url for part in content.parts for url in (*links_of(part.text, part.dialect), part.url) if url]
    assert content.mentions == ()
    assert [url for url in links if not url.startswith("https://ours.example/")] == []
