"""Feishu's bot on the wire: cards, signature, every code, values that must stay values."""

import html

import orjson
import pytest
from channel_examples import answer, make, message, settings, text
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from receiver.channels.feishu_bot import CODES, FeishuBot, sign
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable

TOKEN = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
URL = f"https://open.feishu.cn/open-apis/bot/v2/hook/{TOKEN}"


def refused(body, status=200):
    with pytest.raises((Misconfigured, Rejected, Throttled, Unavailable)) as raised:
        make("feishu_bot").check(answer(body, status))
    return raised.value


def card(**changes):
    return orjson.loads(make("feishu_bot").compose(text(**changes), "0193"))["card"]


def test_a_message_is_a_card_of_the_second_schema():
    assert orjson.loads(make("feishu_bot").compose(text("Disk *full*", "**db1**"), "0193")) == {
        "msg_type": "interactive",
        "card": {
            "schema": "2.0",
            "config": {"update_multi": True, "summary": {"content": "Disk *full*"}},
            "header": {"template": "red", "title": {"tag": "plain_text", "content": "Disk *full*"}},
            "body": {"elements": [{"tag": "markdown", "content": "**db1**"}]},
        },
    }


@pytest.mark.parametrize(
    ("status", "severity", "colour"),
    [
        ("firing", "critical", "red"),
        ("firing", "Critical", "red"),
        ("firing", "warning", "orange"),
        ("firing", "", "orange"),
        ("firing", "info", "blue"),
        ("resolved", "critical", "green"),
    ],
)
def test_the_colour_tells_status_and_severity(status, severity, colour):
    assert card(status=status, severity=severity)["header"]["template"] == colour


@pytest.mark.parametrize(
    "ping", ['<at user_id="all">', "<AT id=all>", "</at>", "< at id=all>", "&lt;at id=all", "<\u200bat id"]
)
def test_a_plain_message_is_a_text_that_pings_nobody(ping):
    composed = orjson.loads(make("feishu_bot").compose(text("t", f"x {ping} 3 < 4", plain=True), "0193"))
    assert composed["msg_type"] == "text"
    assert composed["content"]["text"].startswith("t\nx (")
    assert composed["content"]["text"].endswith("3 < 4")


def test_the_signature_is_that_of_the_vector():
    assert sign("1599360473", "demo") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


def test_timestamp_and_signature_go_into_the_body_when_it_is_sent():
    request = make("feishu_bot", token=TOKEN, secret="demo").build(message(b'{"msg_type":"text"}'), 1599360473.9)
    signature = "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="
    assert request.body.decode() == f'{{"timestamp":"1599360473","sign":"{signature}","msg_type":"text"}}'
    assert request.url == URL


@pytest.mark.parametrize(
    "offered",
    [{"token": TOKEN}, {"token": None, "url": URL}, {"token": None, "url": URL.replace("feishu.cn", "larksuite.com")}],
)
def test_without_a_secret_nothing_is_signed(offered):
    request = make("feishu_bot", secret=None, **offered).build(message(b"{}"), 1e9)
    assert (request.url, request.body) == (offered.get("url") or URL, b"{}")
    assert request.headers == {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    "offered",
    [
        {"token": None},
        {"url": URL},
        {"token": None, "url": URL.replace("/v2", "")},
        {"token": None, "url": URL + "/x"},
        {"token": None, "url": URL + "?x=1"},
        {"token": None, "url": URL.removesuffix(TOKEN)},
    ],
)
def test_wrong_tokens_and_urls_are_refused_without_being_shown(offered):
    with pytest.raises(ValidationError) as raised:
        settings("feishu_bot", **offered)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        '{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}',
        '{"Extra":null,"StatusCode":0,"StatusMessage":"success"}',
    ],
)
def test_both_forms_of_success_are_sent(body):
    make("feishu_bot").check(answer(body))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", [200, 400])
def test_every_row_of_the_table_is_its_class_whatever_the_status(code, status):
    error = refused(f'{{"code":{code},"msg":"said","data":{{}}}}', status)
    assert (type(error), error.code, error.http_status) == (CODES[code].error, code, status)
    assert CODES[code].source


@pytest.mark.parametrize("code", [11232, 11233, 11247])
def test_too_many_messages_rest_a_minute(code):
    assert refused(f'{{"code":{code}}}').retry_after == 60


def test_9499_is_a_rate_when_it_says_so():
    assert refused('{"code":9499,"msg":"Bad Request"}').code == "9499"
    assert refused('{"code":9499,"msg":"too many request"}').retry_after == 60


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ('{"code":1,"StatusCode":0}', 200, Rejected),
        ('{"StatusCode":1}', 200, Rejected),
        ('{"code":null,"StatusCode":0}', 200, Unavailable),
        ('{"msg":"success"}', 200, Unavailable),
        ("404 page not found", 404, Misconfigured),
        ("", 502, Unavailable),
        ("<html>", 200, Unavailable),
        ('{"code":0}', 400, Unavailable),
    ],
)
def test_answers_outside_of_the_table(body, status, expected):
    assert type(refused(body, status)) is expected


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("<at id=all></at>", "&#60;at id=all>&#60;/at>"),
        ("&lt;at id=all", "&#38;lt;at id=all"),
        ("[VPN](http://evil)", "&#91;VPN&#93;(http://evil)"),
        ("*x*", "&#42;x&#42;"),
        ("_x_", "&#95;x&#95;"),
        ("node_cpu_seconds", "node_cpu_seconds"),
        ("# x", "&#35; x"),
        ("a > b # c", "a > b # c"),
        ("C:\\x", "C:\\x"),
        ("\\*", "&#92;&#42;"),
        (":OK:", "&#58;OK:"),
        ("10.0.0.1:9100", "10.0.0.1:9100"),
        ("- x", "&#45; x"),
        ("2. x", "2&#46; x"),
        ("a\n---", "a ↵ ---"),
        ("a\u200bb\u202e", "ab\ufffd"),
    ],
)
def test_values_stay_values(value, escaped):
    assert FeishuBot.escape(value) == escaped


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="&"), max_size=40))
def test_what_is_read_is_what_was_given(value):
    assert html.unescape(FeishuBot.escape(value)) == value
