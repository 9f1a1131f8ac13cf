"""Hostile values, read as the sandbox reads the platforms' markup: no ping, no link of theirs, no block of theirs."""

import asyncio

import pytest
from channel_examples import make, message, text
from channel_forms import FORMATS
from hostile_values import CORPUS, HOSTILE
from hypothesis import example, given
from stand_in import StandIn

from receiver.sandbox.dialects import Dialect, blocks, links_of

DIALECTS = {
    ("wecom", "markdown"): Dialect.WECOM,
    ("wecom", "markdown_v2"): Dialect.WECOM_V2,
    ("dingtalk", "markdown"): Dialect.DINGTALK,
    ("dingtalk", "action_card"): Dialect.DINGTALK,
    ("feishu", ""): Dialect.FEISHU,
}
"""How each platform reads the bodies of a format; those of cards without markup and of webhooks it does not."""
OURS = "https://ours.example/"
LAYOUTS = [
    "{0}", "**{0}**", "> host: {0}", "- {0}: {1}", "[{0}](https://ours.example/)", "{0}{1}", "[{0}]{1}", "{0}({1})",
    "`{0}`", '<font color="info">{0}</font>',
]  # fmt: skip


def dialect(form):
    return DIALECTS.get((form.kind.partition("_")[0], form.changes.get("format", "")))


MARKED = list({dialect(form): form for form in FORMATS if dialect(form)}.values())
SENT = [form for form in FORMATS if form.kind != "webhook"]
each_marked = pytest.mark.parametrize("form", MARKED, ids=[form.id for form in MARKED])
each_sent = pytest.mark.parametrize("form", SENT, ids=[form.id for form in SENT])


@pytest.mark.parametrize("layout", LAYOUTS)
@each_marked
@given(first=HOSTILE, second=HOSTILE)
@example(first="[VPN]", second="(http://evil.example)")
@example(first="[VPN]", second="http://evil.example")
def test_no_link_but_ours(form, layout, first, second):
    escape = make(form.kind, **form.changes).escape
    shown = layout.format(escape(first), escape(second))
    assert set(links_of(shown, dialect(form))) <= {OURS}


@each_marked
@given(value=HOSTILE)
def test_a_value_is_never_a_block(form, value):
    shown = make(form.kind, **form.changes).escape(value)
    assert [block for block, _ in blocks(shown, dialect(form))] in ([], ["p"])


def post(form, title, lines, plain=False):
    """What people see of a text; its lines are escaped as a template would have done it."""
    stand_in = StandIn()
    channel = stand_in.channel(form.kind, **form.changes)
    body = "\n".join(lines if plain else map(channel.escape, lines))
    content = channel.compose(text(title, body, plain=plain), "0193a1b2")
    (posted,) = asyncio.run(stand_in.post(channel, [message(content, target=channel.targets[0])]))
    assert stand_in.sandbox.violations == []
    return posted


@pytest.mark.parametrize("plain", [False, True])
@each_sent
def test_nobody_is_pinged_on_the_wire(form, plain):
    posted = post(form, CORPUS[0], CORPUS, plain)
    assert (posted.mentions, posted.links) == ((), ())


@each_sent
def test_nobody_is_pinged_from_the_title(form):
    posted = [post(form, title, ["body"]) for title in CORPUS]
    assert [one.title for one in posted if one.mentions or one.links] == []
