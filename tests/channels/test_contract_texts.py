"""What every form makes of texts: the same bytes again, in UTF-8, and nothing but what is said."""

import orjson
import pytest
from channel_examples import CANARY, WHSEC, make, message, text
from channel_forms import FORMS, receivers
from hypothesis import given
from hypothesis import strategies as st

each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])


def of(form):
    return make(form.kind, **form.changes)


@each_form
@pytest.mark.parametrize("plain", [False, True])
def test_the_stored_content_says_nothing_but_what_is_said(form, plain):
    channel = of(form)
    composed = channel.compose(text(plain=plain), "0193")
    reached = [who for target in channel.targets for who in receivers(target) if len(who) > 2]
    secret = (CANARY, WHSEC, "sign", "timestamp", "token", *reached)
    assert [word for word in secret if word.encode() in composed] == []


@each_form
def test_the_same_text_is_the_same_bytes(form):
    channel = of(form)
    assert channel.compose(text(), "0193") == channel.compose(text(), "0193") == of(form).compose(text(), "0193")


@each_form
@given(st.lists(st.text(max_size=30), max_size=5))
def test_weight_adds_up(form, parts):
    channel = of(form)
    assert channel.weigh("".join(parts)) == sum(channel.weigh(part) for part in parts)


@each_form
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("", ""),
        ("t", ""),
        ("", "b"),
        ("磁盘满 💥", "名字 👩‍💻\n第二行"),
        ('"\\\n\t\x00\x1b[31m', '{"a": "\\"}'),
        ("\ud800", "\udfff"),
    ],
)
def test_every_text_makes_a_body_in_utf_8(form, title, body, plain):
    channel = of(form)
    composed = channel.compose(text(title, body, plain=plain), "0193")
    composed.decode()
    if form.kind != "webhook":
        assert isinstance(orjson.loads(composed), dict)
        request = channel.build(message(composed, target=channel.targets[0]), 1e9)
        assert isinstance(orjson.loads(request.body), dict)


@each_form
@given(st.text(max_size=40))
def test_nothing_hidden_survives_the_escape(form, value):
    escaped = of(form).escape(value)
    assert not any(sign < " " for sign in escaped)
    assert form.kind == "webhook" or not set("\u202e\u200b\u2066\ufeff\u0085\u2028\x7f") & set(escaped)


@each_form
@pytest.mark.parametrize(
    "value", ["", "node-exporter", "10.0.0.1:9100", "CPU 95% (load 3)", "数据库主从延迟", "a-b.c/d"]
)
def test_ordinary_values_stay_as_they_are(form, value):
    assert of(form).escape(value) == value
