"""WeCom's robot on the wire: bodies, URL, every code, values that must stay values."""

import orjson
import pytest
from channel_examples import answer, make, message, settings, text
from pydantic import ValidationError

from receiver.channels.wecom_robot import CODES, WeComRobot
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable

KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
URL = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
HINT = ", hint: [1716264289200120408162556], from ip: 192.0.2.1, more info at https://open.work.weixin.qq.com/devtool/query?e="


def refused(body, status=200):
    with pytest.raises((Misconfigured, Rejected, Throttled, Unavailable)) as raised:
        make("wecom_robot").check(answer(body, status))
    return raised.value


def test_a_firing_message_is_markdown_with_an_orange_title():
    composed = make("wecom_robot").compose(text("[FIRING] disk", ">host: db1"), "0193")
    content = '## <font color=\\"warning\\">[FIRING] disk</font>\\n>host: db1'
    assert composed.decode() == f'{{"msgtype":"markdown","markdown":{{"content":"{content}"}}}}'


def test_a_resolved_message_has_a_green_title():
    composed = orjson.loads(make("wecom_robot").compose(text(status="resolved"), "0193"))
    assert composed["markdown"]["content"] == '## <font color="info">Disk full</font>\ndb1'


def test_a_plain_message_is_a_text_that_pings_nobody():
    composed = make("wecom_robot").compose(text("t", "<@zhangsan> <\u200b@all>", plain=True), "0193")
    assert orjson.loads(composed) == {"msgtype": "text", "text": {"content": "t\n(@zhangsan> (@all>"}}


@pytest.mark.parametrize("offered", [{"key": KEY}, {"key": None, "url": URL}])
def test_key_and_url_lead_to_the_same_request(offered):
    request = make("wecom_robot", **offered).build(message(b"{}"), 1e9)
    assert (request.url, request.method, request.body) == (URL, "POST", b"{}")
    assert request.headers == {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("offered", "says"),
    [
        ({"key": None}, "needs one of key, url and keys"),
        ({"key": KEY, "url": URL}, "key beside url; keep one"),
        ({"key": URL}, "a whole URL belongs in url"),
        ({"key": ""}, "must be the robot's key alone"),
        ({"key": None, "url": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/upload_media?key={KEY}"}, "whole URL"),
        ({"key": None, "url": f"{URL}&debug=1"}, "whole URL"),
        ({"key": None, "url": URL.removesuffix(KEY)}, "whole URL"),
        ({"key": None, "url": URL.replace("https", "file")}, "must begin with https"),
        ({"key": None, "url": URL.replace("//", "//u:p@")}, "user name"),
        ({"key": None, "url": URL.replace("//", "//good.example\\@")}, "backslashes"),
        ({"key": None, "url": URL + "#x"}, "fragment"),
    ],
)
def test_wrong_keys_and_urls_are_explained_without_being_shown(offered, says):
    with pytest.raises(ValidationError, match=says) as raised:
        settings("wecom_robot", **offered)
    assert KEY not in str(raised.value)


def test_a_url_with_a_prefix_keeps_it():
    channel = make("wecom_robot", key=None, url=URL.replace("//qyapi.weixin.qq.com", "//proxy.example:8443/wecom"))
    assert channel.build(message(), 0).url == f"https://proxy.example:8443/wecom/cgi-bin/webhook/send?key={KEY}"


@pytest.mark.parametrize("body", ['{"errcode":0,"errmsg":"ok"}', '{"errcode":"0"}'])
def test_errcode_zero_is_sent(body):
    make("wecom_robot").check(answer(body))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_every_row_of_the_table_is_its_class(code, form):
    body = f'{{"errcode":{form.format(code)},"errmsg":"head{HINT}{code}"}}'
    error = refused(body)
    assert (type(error), error.code, error.http_status) == (CODES[code].error, code, 200)
    assert "head, hint: [1716264289200120408162556], from ip: 192.0.2.1" in error.detail
    assert CODES[code].source


def test_rates_rest_for_as_long_as_documented():
    rests = {code: refused(f'{{"errcode":{code}}}').retry_after for code in (45009, 45033)}
    assert rests == {45009: 60, 45033: 5}


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ('{"errcode":12345,"errmsg":"new"}', 200, Rejected),
        ('{"errmsg":"ok"}', 200, Unavailable),
        ('{"errcode":null}', 200, Unavailable),
        ('{"errcode":0.0}', 200, Unavailable),
        ('{"errcode":0}', 500, Unavailable),
        ('{"errcode":93000}', 500, Misconfigured),
        ("", 404, Misconfigured),
        ("<html>301</html>", 301, Misconfigured),
        ("<html>", 200, Unavailable),
        ("", 502, Unavailable),
        ('{"errcode":0', 200, Unavailable),
    ],
)
def test_answers_outside_of_the_table(body, status, expected):
    assert type(refused(body, status)) is expected


def test_an_answer_that_cannot_be_read_leaves_the_outcome_open():
    assert refused("<html>", 200).ambiguous
    assert refused("", 504).ambiguous
    assert not refused("", 503).ambiguous
    assert not refused('{"errcode":-1}').ambiguous


def test_a_long_errmsg_is_cut_and_loses_its_control_characters():
    error = refused('{"errcode":40058,"errmsg":"\\u001b[31m\\nlevel=error ' + "x" * 5000 + '"}')
    assert len(error.detail) == 500
    assert "\x1b" not in error.detail
    assert "\n" not in error.detail


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("<@all>", "＜@all>"),
        ("<\u200b@all>", "＜@all>"),
        ("&lt;@all&gt;", "＆lt;@all＆gt;"),
        ('<font color="info">ok</font>', '＜font color="info">ok＜/font>'),
        ("[VPN login](http://evil)", "［VPN login］(http://evil)"),
        ("[VPN]\u200b(http://evil)", "［VPN］(http://evil)"),
        ("![x](http://evil/p.png)", "!［x］(http://evil/p.png)"),
        ("ends with [x]", "ends with ［x］"),
        ("(http://evil)", "（http://evil)"),
        ("**bold**", "＊＊bold＊＊"),
        ("`code`", "'code'"),
        ("# heading", "＃ heading"),
        ("> quote", "＞ quote"),
        ("a\n# heading", "a ↵ # heading"),
        ("\n# heading", "＃ heading"),
        ("a\r\n\r\n  b\n", "a ↵ b"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("abc\u202etxt", "abc\ufffdtxt"),
        ("a\u2028b\x85c", "a ↵ b ↵ c"),
        ("node_memory_*", "node_memory_*"),
        ("rate(x[5m]) > 3", "rate(x[5m]) > 3"),
        ("http://prom/graph?a=1&b=2", "http://prom/graph?a=1&b=2"),
    ],
)
def test_values_stay_values(value, escaped):
    assert WeComRobot.escape(value) == escaped


def test_a_title_that_grows_when_escaped_is_cut_to_fit():
    composed = make("wecom_robot").compose(text("<" * 1500, "b" * 2000), "0193")
    content = orjson.loads(composed)["markdown"]["content"]
    assert len(content.encode()) <= 4096
    assert "＜…</font>\n" in content
