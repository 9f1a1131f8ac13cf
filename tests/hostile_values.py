"""What an alert may hold when somebody means harm: markup of every platform, mentions, links, invisible characters."""

from hypothesis import strategies as st

CORPUS = [
    '<at user_id="all">all</at>', "<at id=all></at>", "<AT ids=a,b>", "<at email=a@b.example></at>", "<@all>",
    "&lt;at id=all&gt;", "&#60;@all&#62;", "<\u200bat id=all>", "<\u200d@all>", "<", "@all>", "at id=all>", "<@zhang>",
    "[VPN login](http://evil.example)", "![x](http://evil.example/p.png)", "[VPN]", "(http://evil.example)",
    "](http://evil.example)[", "x](http://evil.example) [y", "<http://evil.example>", "[a]: http://evil.example", "\\",
    "# FAKE", "\n# FAKE", "a\n\n> FAKE", "\u2028# FAKE", "\r- FAKE", "1. FAKE", "---", "```\nFAKE\n```", "+ FAKE",
    '<font color="warning">FAKE</font>', "**FAKE**", "\x1b[31mFAKE", "\u202eEKAF", "\\<at id=all>", "\\[x](http://e)",
    '<a href="http://evil.example">VPN</a>', "<b>FAKE</b>", '<div class="highlight">FAKE</div>', "<br>FAKE", "<hr>",
    "<text_tag color='red'>FAKE</text_tag>", "| a | b |\n| - | - |", "||", '"', "'",
    '","mentioned_list":["@all"],"x":"',
    "\x00", "\x1c\x1d\x1e\x1f", "\x1cbuttons [[\"a\",\"http://evil.example\"]]\x1dx\x1f", "{{ 7*7 }}", "{% raw %}",
    "$userName=zhang$", "dingtalk://dingtalkclient/page/link?url=http%3A%2F%2Fevil.example", "javascript:alert(1)",
    "\ud800", "\ufeff\u2060", "@13800001111", "@manager4220", "<person id='all'></person>", "&nbsp;&#10;# FAKE",
]  # fmt: skip
"""Values that were once thought of, or once got through."""

HOSTILE = st.one_of(
    st.sampled_from(CORPUS),
    st.text("<>@at id=all[]()!#`*_~&;\\/:x.\n\u200b-+1|\"'", max_size=25),
    st.lists(st.sampled_from(CORPUS), min_size=2, max_size=3).map("".join),
)
"""One value."""

URLS = st.one_of(
    HOSTILE.map(lambda value: f"http://ours.example/{value}"),
    HOSTILE.map(lambda value: f"https://ours.example:8443/graph?g0.expr={value}"),
    st.sampled_from(
        [
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example/",
            "http://ours.example@evil.example/",
            "http://ours.example\\@evil.example/",
            "http://ours.example/ http://evil.example/",
            "http://ours.example/)[x](http://evil.example/",
            'http://ours.example/"><a href="http://evil.example/">',
            "http://ours.example/\nhttp://evil.example/",
            "http://ours.example/<@all>",
            f"http://ours.example/{'x' * 9000}",
        ]
    ),
)
"""Where an alert says it leads: to ours.example, or nowhere."""
