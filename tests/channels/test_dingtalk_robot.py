"""DingTalk's robot on the wire: bodies, signature, every code, values that must stay values."""

import orjson
import pytest
from channel_examples import answer, make, message, settings, text
from pydantic import ValidationError

from receiver.channels.dingtalk_robot import CODES, DingTalkRobot, sign
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable

TOKEN = "ab" * 32
URL = f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}"


def refused(body, status=200):
    with pytest.raises((Misconfigured, Rejected, Throttled, Unavailable)) as raised:
        make("dingtalk_robot").check(answer(body, status))
    return raised.value


def test_a_message_is_markdown_with_a_title_and_an_id():
    composed = make("dingtalk_robot").compose(text("disk_full", "> db1"), "0193")
    markdown = '{"title":"disk_full","text":"#### disk_full\\n\\n> db1"}'
    assert composed.decode() == f'{{"msgtype":"markdown","markdown":{markdown},"msgUuid":"0193"}}'


def test_a_plain_message_is_a_text():
    composed = make("dingtalk_robot").compose(text("t", "@all *x*\x07", plain=True), "0193")
    assert orjson.loads(composed) == {"msgtype": "text", "text": {"content": "t\n@all *x*?"}, "msgUuid": "0193"}


def test_nobody_is_ever_mentioned():
    for plain in (True, False):
        assert "at" not in orjson.loads(make("dingtalk_robot").compose(text("@all", "@13800001111", plain=plain), "1"))


def test_the_preview_is_short():
    composed = orjson.loads(make("dingtalk_robot").compose(text("x" * 500), "0193"))
    assert composed["markdown"]["title"] == "x" * 63 + "…"


@pytest.mark.parametrize(
    ("timestamp", "secret", "expected"),
    [
        ("1577262236757", "this is secret", "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="),
        ("1700000000001", "SECdemo", "PTs+dsurGspsy8LSQV/Ud2CTvBpozdeoue2U2fgKqxI="),
    ],
)
def test_signatures_are_those_of_the_vectors(timestamp, secret, expected):
    assert sign(timestamp, secret) == expected


def test_the_signature_is_encoded_once_and_the_time_is_in_milliseconds():
    request = make("dingtalk_robot", access_token=TOKEN, secret="this is secret").build(message(), 1577262236.757)
    signature = "hmPWwU%2B7lVdm3ZZz0r9tSfx0L4Q26jWOZr9%2BGs6EZQM%3D"
    assert request.url == f"{URL}&timestamp=1577262236757&sign={signature}"


@pytest.mark.parametrize("offered", [{"access_token": TOKEN}, {"access_token": None, "url": URL}])
def test_without_a_secret_nothing_is_signed(offered):
    request = make("dingtalk_robot", secret=None, **offered).build(message(b"{}"), 1e9)
    assert (request.url, request.body) == (URL, b"{}")
    assert request.headers == {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("offered", "says"),
    [
        ({"access_token": None}, "needs one of access_token, url and keys"),
        ({"url": URL}, "access_token beside url; keep one"),
        ({"access_token": None, "url": f"{URL}&timestamp=1&sign=x"}, "nothing else"),
        ({"secret": ""}, "at least 1"),
    ],
)
def test_wrong_settings_are_explained_without_being_shown(offered, says):
    with pytest.raises(ValidationError, match=says) as raised:
        settings("dingtalk_robot", **offered)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("body", ['{"errcode":0,"errmsg":"ok"}', '{"errcode":"0","errmsg":"ok"}'])
def test_errcode_zero_is_sent_in_both_forms(body):
    make("dingtalk_robot").check(answer(body))


@pytest.mark.parametrize("code", CODES)
def test_every_row_of_the_table_is_its_class(code):
    error = refused(f'{{"errmsg":"said","errcode":{code}}}')
    assert (type(error), error.code, error.http_status) == (CODES[code].error, code, 200)
    assert error.detail.endswith(": said")
    assert CODES[code].source


@pytest.mark.parametrize("code", [410100, 130101, 660026])
def test_the_ban_lasts_ten_minutes(code):
    assert refused(f'{{"errcode":{code}}}').retry_after == 600


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("<!DOCTYPE html><html>", 200),
        ("\n<html>", 403),
        ('{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"xxx"}', 200),
    ],
)
def test_a_banned_address_rests_for_five_minutes(body, status):
    assert refused(body, status).retry_after == 300


@pytest.mark.parametrize("kind", ["dingtalk_robot", "dingtalk_app"])
@pytest.mark.parametrize(
    ("status", "error"), [(302, Misconfigured), (404, Misconfigured), (405, Misconfigured), (502, Unavailable)]
)
def test_a_page_whose_status_tells_more_is_no_ban(kind, status, error):
    with pytest.raises(error) as raised:
        make(kind).check(answer("<html>", status))
    assert raised.value.http_status == status


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ('{"errcode":310000,"errmsg":"错误描述:关键词不匹配;解决方案:请联系群管理员"}', 200, Rejected),
        ('{"errcode":99,"errmsg":"new"}', 200, Rejected),
        ('{"errmsg":"ok"}', 200, Unavailable),
        ("not json", 200, Unavailable),
        ("", 500, Unavailable),
        ("", 302, Misconfigured),
        ("not found", 404, Misconfigured),
    ],
)
def test_answers_outside_of_the_table(body, status, expected):
    assert type(refused(body, status)) is expected


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("node_cpu_seconds", "node_cpu_seconds"),
        ("_x_ __name__", "＿x＿ ＿＿name＿＿"),
        ("*bold* `code`", "＊bold＊ 'code'"),
        ("rate(x[5m]) * 100", "rate(x[5m]) * 100"),
        ("* item", "＊ item"),
        ("C:\\path\\_x", "C:\\path＼＿x"),
        ("[VPN](http://evil)", "［VPN］(http://evil)"),
        ("[ref]: http://evil", "［ref］: http://evil"),
        ("![p](http://evil)", "！［p］(http://evil)"),
        ('<font color="#f00">x', '＜font color="#f00">x'),
        ("- item", "－ item"),
        ("1. item", "1． item"),
        ("---", "－－－"),
        ("-5.2", "-5.2"),
        ("1.5", "1.5"),
        ("> quote", "＞ quote"),
        ("a\n\n# b", "a ↵ # b"),
        ("~~x~~", "～～x～～"),
        ("/~user", "/~user"),
    ],
)
def test_values_stay_values(value, escaped):
    assert DingTalkRobot.escape(value) == escaped
