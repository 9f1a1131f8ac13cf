"""The dialects of markdown: what is rendered, what stays literal, and that nothing hostile gets through."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.sandbox.dialects import Dialect, links_of, plain_of
from receiver.sandbox.markup import colour, html_of

WECOM, V2, DING, FEISHU = Dialect.WECOM, Dialect.WECOM_V2, Dialect.DINGTALK, Dialect.FEISHU


@pytest.mark.parametrize(
    ("dialect", "text", "html"),
    [
        (WECOM, "## t", "<h2>t</h2>"),
        (WECOM, "##t", "<p>##t</p>"),
        (WECOM, "a\nb", "<p>a<br>b</p>"),
        (WECOM, "> q\n> r", "<blockquote>q<br>r</blockquote>"),
        (WECOM, "**b** `c`", "<p><strong>b</strong> <code>c</code></p>"),
        (WECOM, '<font color="warning">x</font>', '<p><span class="c-orange">x</span></p>'),
        (WECOM, "<@zhangsan>", '<p><span class="at">@zhangsan</span></p>'),
        (WECOM, "- a", "<p>- a</p>"),
        (WECOM, "*i*", "<p>*i*</p>"),
        (V2, "- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        (V2, "```\n<b>\n```", "<pre>&lt;b&gt;</pre>"),
        (V2, "<@all>", "<p>&lt;@all&gt;</p>"),
        (V2, "---", "<hr>"),
        (DING, "a\nb", "<p>a b</p>"),
        (DING, "a  \nb", "<p>a<br>b</p>"),
        (DING, "1. a", "<ol><li>a</li></ol>"),
        (DING, '<font color="#FF0000">x</font>', '<p><span class="c-red">x</span></p>'),
        (DING, "`c`", "<p>`c`</p>"),
        (FEISHU, "<at id=ou_1>Tom</at>", '<p><span class="at">@Tom</span></p>'),
        (FEISHU, "<text_tag color='red'>P1</text_tag>", '<p><span class="tag c-red">P1</span></p>'),
        (FEISHU, r"\*a\*", "<p>*a*</p>"),
        (FEISHU, "&#42;&#42;a&#42;&#42;", "<p>**a**</p>"),
        (FEISHU, "~~x~~", "<p><s>x</s></p>"),
        (Dialect.PLAIN, "# <b>\n**x**", "<p># &lt;b&gt;<br>**x**</p>"),
    ],
)
def test_rendering(dialect, text, html):
    assert str(html_of(text, dialect)) == html


@pytest.mark.parametrize(
    ("dialect", "text", "links"),
    [
        (WECOM, "[a](https://x/)", ["https://x/"]),
        (WECOM, "**[a](https://x/)**", ["https://x/"]),
        (WECOM, "[a\nb](https://x/)", ["https://x/"]),
        (WECOM, "![a](https://x/p.png)", ["https://x/p.png"]),
        (WECOM, r"\[a](https://x/)", ["https://x/"]),
        (FEISHU, r"\[a](https://x/)", []),
        (FEISHU, "&#91;a&#93;(https://x/)", []),
        (FEISHU, "<https://x/>", ["https://x/"]),
        (FEISHU, "```\n[a](https://x/)\n```", []),
        (DING, "[a] (https://x/)", []),
        (Dialect.PLAIN, "[a](https://x/)", []),
    ],
)
def test_links(dialect, text, links):
    assert links_of(text, dialect) == links


def test_json_is_indented():
    assert str(html_of('{"a":"<b>"}', Dialect.JSON)) == "<pre>{\n  &#34;a&#34;: &#34;&lt;b&gt;&#34;\n}</pre>"


def test_plain_words():
    text = '### t\n> **b** <font color="info">ok</font> [l](https://x/) `c` <@me>'
    assert plain_of(text, WECOM) == "t\nb ok l c @me"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("info", "green"), ("Comment", "grey"), ("#00aa00", "green"), ("#f90", "grey"), ("#ffa500", "orange"),
     ("blue-50", "blue"), ("x\" onload", "grey")],
)  # fmt: skip
def test_colours(name, shown):
    assert colour(name) == shown


ALLOWED = re.compile(
    r"</?(?:p|h[1-6]|ul|ol|li|blockquote|strong|em|s|pre|code)>|<br>|<hr>|</(?:a|span)>"
    r'|<span class="(?:c-[a-z]+|at|tag c-[a-z]+)">'
    r'|<a href="https?://[^"<>]*" rel="noopener noreferrer" target="_blank">'
)
PIECES = st.sampled_from(
    ["<", ">", "&", '"', "'", "[", "](", ")", "`", "```\n", "**", "*", "\n", "# ", "> ", "- ", "\\", "https://x/",
     "javascript:", "<font color=red>", "</font>", "<at id=all>", "</at>", "<text_tag>", "</text_tag>", "&lt;", "磁"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from(list(Dialect)))
def test_only_our_own_tags_ever_come_out(text, dialect):
    rest = ALLOWED.sub("", str(html_of(text, dialect)))
    assert "<" not in rest
    assert ">" not in rest


@pytest.mark.parametrize("piece", ["[", "**", "<font color=a>", "<at ", "`", "![a](", "<text_tag>"])
def test_hostile_repetition_is_not_slow(piece):
    text = piece * (20_000 // len(piece))
    began = time.process_time()
    html_of(text, FEISHU), links_of(text, FEISHU), plain_of(text, FEISHU)
    assert time.process_time() - began < 3


def test_many_lines_are_read_in_one_pass():
    begun = time.process_time()
    assert len(plain_of("a\n" * 100_000, FEISHU)) >= 200_000 - 1
    assert time.process_time() - begun < 3
