"""Whatever stands in an alert, in every form and language: whom a message mentions, where it leads and what it is made
of do not depend on it. Planned as the service plans, and read as the platforms read it.
"""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from channel_forms import FORMATS, FORMS
from hostile_stage import Stage, told_of
from hostile_values import CORPUS, HOSTILE, URLS
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mention_samples import meant
from yarl import URL

from receiver.sandbox.dialects import Dialect, blocks

LINE_END = re.compile("\r\n?|[\n\x0b\x0c\x85\u2028\u2029]")
FLOWING = ("p", "blockquote")
"""Blocks whose lines depend on what the title says already."""
HARMLESS = [f"word{number}" for number in range(20)]
OURS = [f"https://ours.example/{number}" for number in range(6)]

each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
SENT = [form for form in FORMS if form.kind != "webhook"]
each_sent = pytest.mark.parametrize("form", SENT, ids=[form.id for form in SENT])
each_format = pytest.mark.parametrize("form", FORMATS, ids=[form.id for form in FORMATS])
each_language = pytest.mark.parametrize("language", ["zh", "en"])
moderately = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def visible(values, first=0):
    """The values, all different and none of them invisible: a digit stands before or behind each."""
    return [f"{n % 10}{value}" if (n + first) % 2 else f"{value}{n}" for n, value in enumerate(values)]


def harmless(words):
    """As many words, of as many lines."""
    lines = [["word" if line.strip() else "" for line in LINE_END.split(word)] for word in words]
    return ["\n".join(f"{word}{n}" if word else "" for word in each) for n, each in enumerate(lines)]


def known(start, url, **more):
    """An example: twenty of the values that were thought of, and one of the URLs."""
    return example(values=[*CORPUS, *CORPUS][start:][:20], urls=[url] * 6, **more)


def shape(value):
    """What a JSON value is made of, whatever it says."""
    if isinstance(value, dict):
        return sorted((shape(one) for one in value.values()), key=str)
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def made_of(posted):
    """What a message is made of: its colour, its headings, lists, rules and code."""
    parts = posted.content.parts
    if parts[0].dialect is Dialect.JSON:
        return shape(orjson.loads(parts[0].text))
    found = [kind for part in parts for kind, lines in blocks(part.text, part.dialect) for _ in lines]
    rows = Counter(kind for kind in found if kind not in FLOWING)
    return posted.msgtype.rstrip("12345"), posted.content.accent, rows


def is_ours(link):
    """Whether a link, followed by any client, leads to ours.example; DingTalk's own way to a browser is opened."""
    if link.startswith("dingtalk://dingtalkclient/page/link?"):
        (link,) = parse_qs(urlsplit(link).query)["url"]
    host = URL(link, encoded=True).host or ""
    return bool(re.fullmatch(r"https?://[^\x00-\x20\x7f]+", link)) and f".{host}".endswith(".ours.example")


def check(posted, mentions):
    """Nobody else is mentioned, nobody twice, no link leads elsewhere, no title has two lines."""
    assert {who for one in posted for who in one.mentions} == mentions
    assert sum(len(one.mentions) for one in posted) <= len(mentions) * len({one.to for one in posted})
    assert [link for one in posted for link in one.links if not is_ours(link)] == []
    assert [one.title for one in posted if "\n" in one.title and one.kind != "webhook"] == []


def check_twins(posted, twins):
    """Every message is made as its twin of harmless words.

    A silence's link has all labels in it: where they are long, a small card has no room for the last button.
    """
    assert list(map(made_of, posted)) == list(map(made_of, twins))
    assert all(len(one.content.parts) <= len(twin.content.parts) for one, twin in zip(posted, twins, strict=True))


@each_language
@each_form
@moderately
@given(
    values=st.lists(HOSTILE, min_size=20, max_size=20),
    first=st.integers(0, 1),
    urls=st.lists(URLS, min_size=6, max_size=6),
    facts=st.fixed_dictionaries(
        {"source": st.sampled_from(["alertmanager", "grafana"]), "alerts": st.sampled_from([1, 2])}
    ),
    mentioned=st.booleans(),
)
@known(0, "http://ours.example/)[x](http://evil.example/", facts={"source": "grafana"}, first=0, mentioned=True)
@known(20, "javascript:alert(1)", facts={"alerts": 1}, first=1, mentioned=False)
@known(-20, "http://ours.example/<@all>", facts={}, first=0, mentioned=True)
def test_hostile_words_change_nothing_but_the_words(form, language, values, first, urls, facts, mentioned):
    own = {"language": language, "link": "https://link.ours.example/", "mentions": ["张三"] if mentioned else None}
    words = visible(values, first)
    posted = Stage(form, **own).post(told_of(words, urls, **facts))
    check(posted, meant(form, "张三") if mentioned else set())
    twins = Stage(form, **own).post(told_of(harmless(words), urls, **facts))
    if len(posted) == len(twins) and form.changes.get("template") != "teams":  # where each line is a block
        check_twins(posted, twins)


@each_form
@moderately
@given(values=st.lists(HOSTILE, min_size=20, max_size=20), urls=st.lists(URLS, min_size=6, max_size=6))
@known(0, "http://ours.example/<@all>")
@known(20, "http://ours.example/)[x](http://evil.example/")
@known(-20, 'http://ours.example/"><a href="http://evil.example/">')
def test_the_plain_text_in_place_of_a_refused_message_is_no_softer(form, values, urls):
    check(Stage(form).post(told_of(visible(values), urls), plain=True), set())


def waited(words, urls, alerts=5):
    """An event whose alerts waited, and came by channels with names such as no configuration allows."""
    event = told_of(words, urls, alerts=alerts)
    marks = {"changes": 2, "told_by": words[18], "in_place_of": words[19]}
    event["alerts"][1:] = [{**alert, **marks} for alert in event["alerts"][1:]]
    return event


@each_language
@each_sent
@moderately
@given(
    values=st.lists(HOSTILE, min_size=20, max_size=20),
    first=st.integers(0, 1),
    urls=st.lists(URLS, min_size=6, max_size=6),
    lines=st.integers(0, 5),
    plain=st.booleans(),
)
@known(0, "http://ours.example/)[x](http://evil.example/", first=0, lines=2, plain=False)
@known(20, "javascript:alert(1)", first=1, lines=5, plain=True)
@known(-20, "http://ours.example/<@all>", first=0, lines=0, plain=False)
def test_hostile_words_change_nothing_of_a_digest(form, language, values, first, urls, lines, plain):
    words, own = visible(values, first), {"language": language, "link": "https://link.ours.example/"}
    posted = Stage(form, **own).digest(waited(words, urls), lines=lines, plain=plain)
    check(posted, set())
    twins = Stage(form, **own).digest(waited(harmless(words), urls), lines=lines, plain=plain)
    if len(posted) == len(twins):
        check_twins(posted, twins)


@each_sent
@moderately
@given(values=st.lists(HOSTILE, min_size=20, max_size=20), urls=st.lists(URLS, min_size=6, max_size=6))
@known(0, "http://ours.example/<@all>")
@known(20, "http://ours.example/)[x](http://evil.example/")
def test_hostile_names_of_channels_change_nothing(form, values, urls):
    words = visible(values)
    posted, twins = (Stage(form).post(waited(said, urls, alerts=2)) for said in (words, harmless(words)))
    check(posted, set())
    if len(posted) == len(twins):
        check_twins(posted, twins)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("value", ["<@all>", "](http://evil.example) <at id=all></at> ", "漢\n# \u202e\u200b\x00"])
@each_format
def test_values_of_sixty_four_thousand_characters(form, value, plain):
    words = [value * (65536 // len(value)) if place in (0, 4, 5, 6) else word for place, word in enumerate(HARMLESS)]
    check(Stage(form).post(told_of(words, OURS, alerts=1), plain=plain), set())


@each_format
def test_five_thousand_hostile_alerts(form):
    check(Stage(form).post(told_of(visible(CORPUS[8:28]), OURS, alerts=5000)), set())


@pytest.mark.parametrize("lines", [0, 200])
@each_sent
def test_a_digest_of_five_thousand_hostile_alerts(form, lines):
    check(Stage(form).digest(waited(visible(CORPUS[8:28]), OURS, alerts=5000), lines=lines), set())


@pytest.mark.parametrize("owner", ["all", "@all", "<@all>", "＠ALL", "<at id=all></at>", '"all"', "@all,all;＠all"])
@each_form
def test_everyone_never_comes_from_a_label(form, owner):
    stage = Stage(form, route={"label": "owner"}, mentions={"label": "owner"})
    check(stage.post(told_of(HARMLESS, OURS, owner=owner)), set())


@each_form
def test_a_label_names_a_contact_and_nobody_beside_him(form):
    stage = Stage(form, route={"label": "owner"})
    check(stage.post(told_of(HARMLESS, OURS, owner="all, 张三, <@all>")), meant(form, "张三"))
