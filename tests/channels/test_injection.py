"""Hostile values, read as the sandbox reads the platforms' markup: no ping, no link of theirs, no block of theirs."""

import pytest
from channel_examples import make, message, text
from hypothesis import example, given
from hypothesis import strategies as st

from receiver.channels.registry import CHANNELS
from receiver.http import Http, HttpSettings
from receiver.sandbox import Sandbox, provider_app
from receiver.sandbox.dialects import Dialect, blocks, links_of

DIALECTS = {"wecom_robot": Dialect.WECOM, "dingtalk_robot": Dialect.DINGTALK, "feishu_bot": Dialect.FEISHU}
OURS = "https://ours.example/"
LAYOUTS = [
    "{0}", "**{0}**", "> host: {0}", "- {0}: {1}", "[{0}](https://ours.example/)", "{0}{1}", "[{0}]{1}", "{0}({1})",
    "`{0}`", '<font color="info">{0}</font>',
]  # fmt: skip
CORPUS = [
    '<at user_id="all">all</at>', "<at id=all></at>", "<AT ids=a,b>", "<at email=a@b.example></at>", "<@all>",
    "&lt;at id=all&gt;", "&#60;@all&#62;", "<\u200bat id=all>", "<\u200d@all>", "<", "@all>", "at id=all>", "<@zhang>",
    "[VPN login](http://evil.example)", "![x](http://evil.example/p.png)", "[VPN]", "(http://evil.example)",
    "](http://evil.example)[", "x](http://evil.example) [y", "<http://evil.example>", "[a]: http://evil.example", "\\",
    "# FAKE", "\n# FAKE", "a\n\n> FAKE", "\u2028# FAKE", "\r- FAKE", "1. FAKE", "---", "```\nFAKE\n```", "+ FAKE",
    '<font color="warning">FAKE</font>', "**FAKE**", "\x1b[31mFAKE", "\u202eEKAF", "\\<at id=all>", "\\[x](http://e)",
]  # fmt: skip
HOSTILE = st.one_of(
    st.sampled_from(CORPUS),
    st.text("<>@at id=all[]()!#`*_~&;\\/:x.\n\u200b-+1", max_size=25),
    st.lists(st.sampled_from(CORPUS), min_size=2, max_size=3).map("".join),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", DIALECTS)
@given(first=HOSTILE, second=HOSTILE)
@example(first="[VPN]", second="(http://evil.example)")
@example(first="[VPN]", second="http://evil.example")
def test_no_link_but_ours(kind, layout, first, second):
    escape = CHANNELS[kind].escape
    shown = layout.format(escape(first), escape(second))
    assert set(links_of(shown, DIALECTS[kind])) <= {OURS}


@pytest.mark.parametrize("kind", DIALECTS)
@given(value=HOSTILE)
def test_a_value_is_never_a_block(kind, value):
    shown = CHANNELS[kind].escape(value)
    assert [block for block, _ in blocks(shown, DIALECTS[kind])] in ([], ["p"])


@pytest.fixture
async def sandbox(aiohttp_server):
    """The sandbox, which knows one robot of each kind, and a way to post there."""
    sandbox = Sandbox()
    server = await aiohttp_server(provider_app(sandbox))
    http = Http(HttpSettings(), trusted=[("127.0.0.1", server.port)])

    async def post(kind, **words):
        channel = make(kind, http.client(), base_url=f"http://127.0.0.1:{server.port}")
        credential, secret = channel.identity
        sandbox.register(kind, credential, secret=secret)
        await channel.send(message(channel.compose(text(**words), "0193")), sandbox.clock())
        return sandbox.messages[-1]

    yield post
    await http.close()
    assert sandbox.violations == []


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", DIALECTS)
async def test_nobody_is_pinged_on_the_wire(kind, plain, sandbox):
    body = "\n".join(CORPUS if plain else (CHANNELS[kind].escape(value) for value in CORPUS))
    posted = await sandbox(kind, title=CORPUS[0], body=body, plain=plain)
    assert (posted.mentions, posted.links) == ((), ())


@pytest.mark.parametrize("kind", DIALECTS)
@pytest.mark.parametrize("title", CORPUS[:16])
async def test_nobody_is_pinged_from_the_title(kind, title, sandbox):
    posted = await sandbox(kind, title=title, body="body")
    assert (posted.mentions, posted.links) == ((), ())
