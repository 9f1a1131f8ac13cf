"""WeCom's formats, of robots and apps: a second markdown whose values stay values, and cards that lead somewhere."""

from dataclasses import replace

import orjson
import pytest
from channel_examples import make, message, text
from hostile_values import CORPUS, HOSTILE
from hypothesis import example, given
from hypothesis import strategies as st
from mention_samples import MAIL, PHONE, ZHANG, mention
from rendering_samples import alert, batch, renderer, template
from stand_in import StandIn

from receiver.channels.wecom import escape_v1, escape_v2
from receiver.sandbox.dialects import Dialect, blocks, links_of
from receiver.text import Extras, Mention, Mentions

NOW = 1_763_600_000.0
OURS = "https://ours.example/"
PEOPLE = tuple(map(mention, (ZHANG, PHONE, MAIL)))
CARDS = [("wecom_robot", {"format": "template_card"}), ("wecom_app", {"format": "template_card", "callback": True})]
FORMS = [("wecom_robot", {"format": word}) for word in ("markdown", "markdown_v2", "template_card")] + [
    ("wecom_app", {}),
    CARDS[1],
    ("wecom_app", {"to": None, "chat_id": "chat1"}),
]
each_form = pytest.mark.parametrize(("kind", "form"), FORMS, ids=lambda value: value if isinstance(value, str) else "")
each_card = pytest.mark.parametrize(("kind", "form"), CARDS, ids=["robot", "app"])


def with_extras(fields=(), buttons=(), image="", **words):
    return replace(text(**words), extras=Extras(tuple(fields), tuple(buttons), image))


def composed(channel, said):
    body = orjson.loads(channel.compose(said, "0193a1b2c3d4e5f6a7b8c9d0e1f2"))
    return body[body["msgtype"]]


async def shown(kind, form, said, **changes):
    """What people see of `said`; no violation is left behind."""
    stand_in = StandIn()
    channel = stand_in.channel(kind, **form, **changes)
    content = channel.compose(said, "0193a1")
    (posted,) = await stand_in.post(channel, [message(content, "0193a1", target=channel.targets[0])])
    assert stand_in.sandbox.violations == []
    return posted


class TestFormats:
    @pytest.mark.parametrize(
        ("kind", "form", "stem", "escape"),
        [
            ("wecom_robot", {}, "wecom_robot", escape_v1),
            ("wecom_robot", {"format": "markdown_v2"}, "wecom_robot_v2", escape_v2),
            ("wecom_app", {}, "wecom_robot", escape_v1),
        ],
    )
    def test_each_has_a_template_and_an_escape(self, kind, form, stem, escape):
        first, second = make(kind, **form), make(kind, **form, name="other")
        assert first.body_template == stem
        assert first.escape is second.escape is escape

    @each_card
    def test_a_card_shows_plain_words(self, kind, form):
        channel = make(kind, **form)
        assert channel.body_template == "plain"
        assert channel.takes == {"fields", "buttons", "image"}
        assert channel.escape("**a** <b> `c`") == "**a** <b> `c`"

    @each_form
    def test_extras_are_taken_by_cards_only(self, kind, form):
        channel, extras = make(kind, **form), Extras((("host", "db1"),))
        assert bool(channel.takes) == bool(channel.weigh_extras(extras)) == ("template_card" in form.values())
        assert channel.weigh_extras(Extras()) == 0

    @each_form
    @pytest.mark.parametrize("plain", [False, True])
    async def test_the_sandbox_takes_each(self, kind, form, plain):
        extras = Extras((("host", "db1"),), (("look", OURS),), f"{OURS}i.png")
        said = replace(text(plain=plain), extras=Extras() if plain else extras)
        posted = await shown(kind, form, said)
        assert posted.msgtype == ("text" if plain else form.get("format", "markdown"))
        assert "Disk full" in f"{posted.title}{posted.plain}"
        assert "db1" in posted.plain

    @each_form
    def test_what_a_channel_fills_is_what_it_says(self, kind, form):
        channel = make(kind, **form)
        said = with_extras(buttons=[("look", OURS)]) if channel.takes else text()
        content = channel.compose(said, "0193")
        body = orjson.loads(content)
        block = body[body["msgtype"]]
        most = {"wecom_robot": 4096, "wecom_app": 4096 if channel.takes else 2048}[kind]
        size = len(orjson.dumps(block)) if channel.takes else len(block["content"].encode())
        assert channel.fill(content) == (size, most)


class TestMarkdownV2:
    def test_the_title_is_a_heading_without_colour(self):
        content = composed(make("wecom_robot", format="markdown_v2"), text("[FIRING] *disk*", "- db1"))["content"]
        assert content == "## [FIRING] ＊disk＊\n- db1"

    @pytest.mark.parametrize(
        ("value", "escaped"),
        [
            ("*italic*", "＊italic＊"),
            ("**bold**", "＊＊bold＊＊"),
            ("a * b", "a * b"),
            ("node_memory_*", "node_memory_＊"),
            ("- item", "－ item"),
            ("* item", "＊ item"),
            ("+ item", "＋ item"),
            ("1. item", "1． item"),
            ("12) item", "12） item"),
            ("-1", "-1"),
            ("3.5 GiB", "3.5 GiB"),
            (">> quote", "＞＞ quote"),
            ("---", "－－－"),
            ("===", "＝＝＝"),
            ("![x](http://evil)", "！［x］(http://evil)"),
            ("look!", "look！"),
            ("[a]: http://evil", "［a］: http://evil"),
            ("```", "'''"),
            ("~~~", "～～～"),
            ("| a | b |", "｜ a ｜ b ｜"),
            ("# heading", "＃ heading"),
            ("<@all>", "＜@all>"),
            ('<font color="info">x</font>', '＜font color="info">x＜/font>'),
            ("a\n- b", "a ↵ - b"),
            ("rate(x[5m]) > 3", "rate(x[5m]) > 3"),
        ],
    )
    def test_values_stay_values(self, value, escaped):
        assert escape_v2(value) == escaped

    @pytest.mark.parametrize(
        "layout", ["{0}", "**{0}**", "> {0}", "- {0}: {1}", f"[{{0}}]({OURS})", "{0}{1}", "| {0} |"]
    )
    @given(first=HOSTILE, second=HOSTILE)
    @example(first="[VPN]", second="(http://evil.example)")
    @example(first="x!", second=f"[ours]({OURS})")
    def test_no_link_but_ours(self, layout, first, second):
        said = layout.format(escape_v2(first), escape_v2(second))
        assert set(links_of(said, Dialect.WECOM_V2)) <= {OURS}

    @given(value=st.one_of(HOSTILE, st.sampled_from(["* * *", "- - -", " 1. x", "\t- x", "|-|", "```a", "***"])))
    def test_a_value_is_never_a_block(self, value):
        assert [block for block, _ in blocks(escape_v2(value), Dialect.WECOM_V2)] in ([], ["p"])

    @given(value=HOSTILE)
    def test_no_value_makes_a_column(self, value):
        assert "|" not in escape_v2(value)

    async def test_nobody_is_pinged_by_values(self):
        posted = await shown("wecom_robot", FORMS[1][1], text("<@all>", "\n".join(map(escape_v2, CORPUS))))
        assert (posted.mentions, posted.links) == ((), ())


class TestMentions:
    @pytest.mark.parametrize("form", [FORMS[1][1], FORMS[2][1]], ids=["v2", "card"])
    async def test_everybody_is_mentioned_by_the_text_that_follows(self, form):
        mentions = Mentions(PEOPLE, everyone=True)
        beside = make("wecom_robot", **form).beside(mentions)
        assert beside == Mentions(PEOPLE[:2], everyone=True)
        posted = await shown("wecom_robot", form, replace(with_extras(buttons=[("x", OURS)]), mentions=mentions))
        assert posted.mentions == ()
        assert "@ma_il" in posted.plain
        follows = await shown("wecom_robot", form, replace(text(plain=True), mentions=beside))
        assert set(follows.mentions) == {"ZhangSan", "13900002222", "all"}

    @each_form
    def test_they_never_push_a_message_over_its_limit(self, kind, form):
        channel = make(kind, **form)
        mentions = Mentions(tuple(Mention("名" * 60 + f"{n}", wecom=f"{n:064d}" if n % 2 else None) for n in range(50)))
        for plain in (False, True):
            room = channel.room(plain) - channel.weigh_mentions(mentions, plain)
            said = replace(text("", "漢" * (room // 3), plain=plain), mentions=mentions)
            used, limit = channel.fill(channel.compose(said, "0193"))
            assert 1000 < room < used <= limit


class TestCards:
    @each_card
    def test_facts_stand_side_by_side_and_the_rest_below(self, kind, form):
        facts = [(f"name{n}", f"value{n}") for n in range(8)]
        card = composed(make(kind, **form), with_extras(facts, [("look", OURS)], body="the words"))
        assert [row["value"] for row in card["horizontal_content_list"]] == [f"value{n}" for n in range(6)]
        assert (card["card_type"], card["main_title"]) == ("text_notice", {"title": "Disk full"})
        assert card["sub_title_text"] == "the words\nname6: value6\nname7: value7"

    @each_card
    def test_three_buttons_are_links_to_jump_to(self, kind, form):
        buttons = [(f"b{n}", f"{OURS}{n}") for n in range(4)]
        card = composed(make(kind, **form), with_extras(buttons=buttons))
        assert card["jump_list"] == [{"type": 1, "title": f"b{n}", "url": f"{OURS}{n}"} for n in range(3)]

    @each_card
    def test_a_picture_makes_a_news_notice(self, kind, form):
        card = composed(make(kind, **form), with_extras(buttons=[("x", OURS)], image=f"{OURS}p.png", body="words"))
        assert (card["card_type"], card["card_image"]) == ("news_notice", {"url": f"{OURS}p.png"})
        assert card["quote_area"] == {"type": 0, "quote_text": "words"}
        assert "sub_title_text" not in card

    @each_card
    @pytest.mark.parametrize(
        ("link", "buttons", "leads"),
        [
            ("https://link.example/", [("b", OURS)], "https://link.example/"),
            ("", [("b", OURS)], OURS),
            ("not a link", [("b", OURS)], OURS),
            ("", [("long", OURS + "x" * 5000), ("b", OURS)], OURS),
            ("https://link.example/" + "x" * 5000, [("b", OURS)], OURS),
        ],
    )
    def test_a_click_leads_to_the_link_else_the_first_button(self, kind, form, link, buttons, leads):
        card = composed(make(kind, **form, link=link), with_extras(buttons=buttons))
        assert card["card_action"] == {"type": 1, "url": leads}
        assert ("task_id" in card) == ("action_menu" in card) == (kind == "wecom_app")

    @each_card
    async def test_what_leads_nowhere_is_a_text_with_all_its_words(self, kind, form):
        said = with_extras([("host", "db1")], image=f"{OURS}p.png", title="<@all>", body='<a href="http://evil">x</a>')
        posted = await shown(kind, form, said)
        assert (posted.msgtype, posted.links, posted.mentions) == ("text", (), ())
        assert posted.plain.endswith("\nhost: db1")

    @each_card
    def test_invisible_signs_do_not_reach_a_card(self, kind, form):
        card = composed(make(kind, **form), with_extras(buttons=[("x", OURS)], title="a\u202eb", body="c\u200bd\x1b"))
        assert (card["main_title"], card["sub_title_text"]) == ({"title": "a\ufffdb"}, "cd?")

    @each_card
    @given(
        fields=st.lists(st.tuples(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=60)), max_size=9),
        buttons=st.lists(
            st.tuples(st.text(max_size=9), st.integers(20, 3000).map(lambda n: OURS + "x" * n)), max_size=5
        ),
        image=st.sampled_from(["", OURS, OURS + "i" * 2500]),
        unit=st.sampled_from(["a", "漢", '"', "\n", "\x00", "<"]),
        link=st.sampled_from(["", OURS, OURS + "l" * 3000]),
    )
    def test_it_never_grows_over_its_limit(self, kind, form, fields, buttons, image, unit, link):
        channel = make(kind, **form, link=link)
        said = with_extras(fields, buttons, image, title="title")
        room = channel.room(False) - channel.weigh("title") - channel.weigh_extras(said.extras)
        said = replace(said, body=unit * (max(room, 0) // channel.weigh(unit)))
        used, limit = channel.fill(channel.compose(said, "0193a1b2c3d4e5f6a7b8c9d0e1f2"))
        assert room < 0 or used <= limit

    async def test_facts_buttons_and_picture_of_a_template(self, tmp_path):
        parts = ("{'host': alerts[0].name} | fields", "(url ~ 'p.png') | image", "{'look': url} | buttons", "'rest'")
        words = f"{{% set url = '{OURS}' %}}" + "\n".join(f"{{{{ {part} }}}}" for part in parts)
        made = template(tmp_path, words, "default/plain.j2")
        rendering = made.render(make("wecom_robot", format="template_card"), batch(alert()), NOW)
        assert rendering.failed == ""
        assert rendering.texts[0].body == "rest"
        posted = await shown(*CARDS[0], rendering.texts[0])
        assert "host  DiskFull" in posted.plain
        assert posted.links == (OURS,)

    @each_card
    async def test_a_real_batch_is_a_card(self, kind, form):
        channel = make(kind, **form, link=OURS)
        rendering = renderer().render(channel, batch(alert(), alert(fingerprint="2")), NOW)
        assert rendering.failed == ""
        posted = await shown(kind, form, rendering.texts[0], link=OURS)
        assert (posted.msgtype, posted.links[-1]) == ("template_card", OURS)
