"""Facts, buttons and images: beside the body where a platform has a place for them, in place elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rendering_samples import NOW, batch, channel, renderer, template

from receiver.delivery.rendering.extras import taken, within
from receiver.delivery.rendering.samples import alert
from receiver.text import Extras

URL = "https://a.example/x"
FIELDS = "{{ {'host': 'db1', 'none': '', 'n': 0} | fields('> ', '：', '\\n') }}\n"
BUTTONS = "{{ {'go': 'https://a.example/x', 'no': 'javascript:x', 'also': 'https://b.example'} | buttons(' · ') }}\n"
IMAGE = "{{ 'https://a.example/i.png' | image('graph') }}\n"
CARD = {"format": "template_card"}
"""WeCom's template card has a place for everything."""


def said(folder, text, kind="wecom_robot", plain=False, facts=None, **changes):
    """The one text that a template of these words makes; the template is that of the body, or the plain one."""
    there = channel(kind, **changes)
    own = template(folder, text, f"default/{'plain' if plain else there.body_template}.j2")
    rendering = own.render(there, facts or batch(alert()), NOW, plain=plain)
    assert rendering.failed == ""
    return rendering.texts[0]


def test_in_place_where_the_platform_has_no_place(tmp_path):
    text = said(tmp_path, "a\n" + FIELDS + BUTTONS + IMAGE)
    assert text.extras == Extras()
    assert text.body == (
        "a\n> host：db1\n> n：0\n[go](https://a.example/x) · [also](https://b.example)\n[graph](https://a.example/i.png)"
    )


def test_beside_the_body_where_it_has_one(tmp_path):
    text = said(tmp_path, "a\n" + FIELDS + BUTTONS + IMAGE + "z", **CARD)
    assert text.body == "a\nz"
    assert text.extras == Extras(
        fields=(("host", "db1"), ("n", "0")),
        buttons=(("go", URL), ("also", "https://b.example")),
        image="https://a.example/i.png",
    )


def test_what_a_platform_does_not_take_stays_in_place(tmp_path):
    text = said(tmp_path, FIELDS + BUTTONS + IMAGE, "dingtalk_robot", format="action_card")
    assert text.body == "> host：db1\n> n：0\n[graph](https://a.example/i.png)"
    assert text.extras == Extras(buttons=(("go", URL), ("also", "https://b.example")))


def test_plain_text_has_everything_in_place(tmp_path):
    text = said(tmp_path, FIELDS + BUTTONS + IMAGE, plain=True, **CARD)
    assert text.extras == Extras()
    assert text.body == f"> host：db1\n> n：0\ngo {URL} · also https://b.example\ngraph https://a.example/i.png"


def test_an_image_can_be_embedded_where_markdown_has_images(tmp_path):
    text = said(tmp_path, "{{ 'https://a.example/i.png' | image('a]b', true) }}{{ 'x:y' | image('none', true) }}")
    assert text.body == "![a]b](https://a.example/i.png)"


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("a\n> " + FIELDS + "b", "a\nb"),
        ("a\n- {{ {'x': 1} | fields }}  \nb", "a\nb"),
        ("a\n{{ {'x': 1} | fields }} {{ {'y': 1} | fields }}\nb", "a\nb"),
        ("a {{ {'x': 1} | fields }}\nb", "a \nb"),
        ("a\n{{ {'x': 1} | fields }}b\nc", "a\nb\nc"),
        ("a\n{{ {'x': 1} | fields }}", "a"),
        ("{% set made = {'x': 1} | fields %}{% if made %}{{ made }}{% endif %}\nb", "b"),
        ("{% macro m(x) %}{{ {'x': x} | fields }}\n{% endmacro %}{{ m(1) }}b", "b"),
        ("{% for n in [1, 2] %}{{ {'x': n} | fields }}\n{% endfor %}b", "b"),
        ("a\n> \n- \nb{{ {'x': 1} | fields }}", "a\n> \n- \nb"),
    ],
)
def test_only_the_lines_go_that_nothing_else_stands_on(tmp_path, words, body):
    text = said(tmp_path, words, **CARD)
    assert text.body == body
    assert text.extras.fields


def test_what_is_made_but_not_said_is_not_taken_and_what_is_said_twice_is_there_once(tmp_path):
    words = "{% set a = {'x': 1} | fields %}{% set b = {'y': 2} | fields %}{{ b }}\n{{ b }}\n."
    assert said(tmp_path, words, **CARD).extras == Extras(fields=(("y", "2"),))


def test_a_title_never_has_a_mark(tmp_path):
    template(tmp_path, FIELDS + BUTTONS, "default/title.j2")
    assert said(tmp_path, "body", **CARD).title == f"> host：db1 > n：0 go {URL} · also https://b.example"


CONTROLS = "\x1c\x1d\x1e\x1f"
VALUES = st.text(alphabet=st.sampled_from(f"{CONTROLS}0123a[](){{}}<@>|\"'\\\n ")) | st.text(max_size=20)
HOSTILE = (
    "{{ {alerts[0].name: message, message: alerts[0].name} | fields(message, message, message) }}\n"
    "{{ {message: message, alerts[0].name: 'https://a.example/' ~ message} | buttons(message) }}\n"
    "{{ ('https://a.example/' ~ message) | image(message) }}\n{{ message }}{{ message | lines(message) }}."
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, VALUES, st.sampled_from([("wecom_robot", CARD), ("feishu_bot", {}), ("wecom_robot", {})]))
@example("\x1f0\x1f", "\x1e", ("wecom_robot", CARD))
@example("\x1f0\x1f", "x", ("wecom_robot", {}))
def test_no_value_forges_a_mark(tmp_path, first, second, form):
    kind, changes = form
    facts = batch(alert(labels={"alertname": first}), message=second)
    text = said(tmp_path, HOSTILE, kind, facts=facts, **changes)
    beside = [word for pair in (*text.extras.fields, *text.extras.buttons) for word in pair]
    assert not set(CONTROLS) & set("".join([text.title, text.body, *beside, text.extras.image]))
    assert len(text.extras.fields) <= 2
    assert len(text.extras.buttons) <= 1
    assert all(url.startswith("https://a.example/") for _, url in text.extras.buttons)
    assert all("\n" not in word for word in beside)


def test_long_facts_are_cut_between_signs(tmp_path):
    facts = batch(alert(labels={"alertname": "👨‍👩‍👧" * 200}))
    ((_, value),) = said(tmp_path, "{{ {'a': alerts[0].name} | fields }}.", "feishu_bot", facts=facts).extras.fields
    assert len(value) <= 240
    assert value.endswith("…")


def test_a_value_that_a_template_trusts_stands_as_it_is(tmp_path):
    words = "{{ {'a': ('<b>' | safe)} | fields }}\n{{ {'b': '<b>' ~ 1} | fields }}"
    assert said(tmp_path, words).body == "a: <b>\nb: ＜b>1"
    assert said(tmp_path, words + ".", "feishu_bot").extras.fields == (("a", "<b>"), ("b", "<b>1"))


@pytest.mark.parametrize("given", ["none", "nothing", "5", "'text'", "['a']", "{}"])
def test_what_is_no_table_of_facts_is_nothing(tmp_path, given):
    assert (
        said(tmp_path, f"a{{{{ {given} | fields }}}}{{{{ {given} | buttons }}}}{{{{ {given} | links }}}}b").body == "ab"
    )


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        ("", "a b c"),
        (", 40", "a c"),
        (", 19", "a"),
        (", 18", "c"),
        (", 0", ""),
        (", none", "a b c"),
        (", nothing", "a b c"),
    ],
)
def test_as_many_links_as_their_urls_have_room(tmp_path, room, shown):
    targets = "{'a': 'https://a.example/1', 'b': 'https://b.example/' ~ 'x' * 40, 'c': 'https://c.example'}"
    words = f"{{{{ {targets} | links(' '{room}) }}}}|{{{{ {targets} | buttons(' '{room}) }}}}"
    links, buttons = said(tmp_path, words).body.split("|")
    assert links == buttons
    assert " ".join(link[1] for link in links.split()) == shown


@dataclass
class Scale:
    """A channel as far as `within` needs one: a fact weighs 2, a button 10, an image 5."""

    def weigh_extras(self, extras):
        return 2 * len(extras.fields) + 10 * len(extras.buttons) + 5 * bool(extras.image)


@pytest.mark.parametrize(
    ("room", "fields", "buttons", "image"),
    [
        (100, 3, 3, True),
        (40, 3, 2, True),
        (21, 3, 1, True),
        (20, 3, 1, False),
        (12, 1, 1, False),
        (10, 0, 1, False),
        (9, 0, 0, False),
        (0, 0, 0, False),
    ],
)
def test_what_there_is_no_room_for_is_left_out_from_the_end(room, fields, buttons, image):
    given = Extras((("a", "1"), ("b", "2"), ("c", "3")), (("x", URL), ("y", URL), ("z", URL)), URL)
    kept, weight = within(Scale(), given, room)
    assert kept == Extras(given.fields[:fields], given.buttons[:buttons], URL if image else "")
    assert weight == Scale().weigh_extras(kept)


def test_each_part_has_what_stands_beside_and_the_first_the_image():
    alerts = [alert(annotations={"summary": f"{i} " + "x" * 500}, imageURL=f"{URL}.png") for i in range(60)]
    there = channel("wecom_robot", **CARD)
    texts = renderer().render(there, batch(*alerts, record_url=URL), NOW).texts
    assert len(texts) > 5
    assert [text.extras.image for text in texts] == [f"{URL}.png", *[""] * (len(texts) - 1)]
    assert {text.extras.buttons for text in texts} == {texts[0].extras.buttons}
    assert texts[0].extras.buttons[-1] == ("推送记录", URL)
    assert [position for text in texts for position in text.alerts] == list(range(60))


@pytest.mark.parametrize("kind", ["feishu_bot", "feishu_app"])
def test_parts_leave_room_for_what_stands_beside(kind):
    labels = {f"label{i}": "v" * 200 for i in range(6)}
    alerts = [alert(labels={**labels, "n": str(i)}, annotations={"summary": "s" * 900}) for i in range(120)]
    there = channel(kind)
    texts = renderer().render(there, batch(*alerts, record_url=URL), NOW).texts
    for text in texts:
        assert text.extras.buttons
        assert there.weigh(text.title) + there.weigh(text.body) + there.weigh_extras(text.extras) <= there.room(False)


def test_words_without_marks_are_left_alone():
    assert taken("> \n- \nwords", []) == ("> \n- \nwords", Extras())
