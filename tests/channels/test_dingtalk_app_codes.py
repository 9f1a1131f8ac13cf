"""What the answers of DingTalk's app mean: every code of both APIs, in whatever status it comes."""

import orjson
import pytest
from channel_examples import CANARY, answer, make
from dingtalk_stage import ONE, TWO

from receiver.channels.dingtalk_app import CODES
from receiver.channels.dingtalk_codes import AUTH, row_of
from receiver.channels.tokens import TokenRefused
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable, Unreachable


def refused(body, status=200, **changes):
    with pytest.raises(DeliveryError) as raised:
        make("dingtalk_app", **changes).check(answer(body if isinstance(body, str) else orjson.dumps(body), status))
    return raised.value


def answered(code):
    """How the API that the code belongs to answers with it."""
    if code.removeprefix("-").isdecimal() and code != "1111":
        wrapped = {"errcode": 88, "sub_code": code, "sub_msg": "said", "errmsg": f"ding talk error[subcode={code}]"}
        return ({"errcode": int(code), "errmsg": "said"}, 200), (wrapped, 200)
    return (({"code": code.replace("*", "x"), "requestid": "r", "message": "said"}, 400),)


WORDS = [(code, body, status) for code in CODES if code != "1111" for body, status in answered(code)]


class TestCodes:
    @pytest.mark.parametrize(("code", "body", "status"), WORDS)
    def test_every_row_is_its_class_whatever_the_status(self, code, body, status):
        for status_now in (status, 200, 503):
            error = refused(body, status_now, **TWO)
            assert type(error) is (TokenRefused if code in AUTH else CODES[code].error)
            assert (error.code, error.http_status) == (code.replace("*", "x"), status_now)
            assert error.detail.endswith(": said")
            assert CODES[code].source

    @pytest.mark.parametrize("code", [code for code, row in CODES.items() if row.error is Unreachable])
    def test_with_one_target_only_the_channel_stops(self, code):
        assert type(refused(answered(code)[0][0], **ONE)) is Misconfigured

    @pytest.mark.parametrize(
        ("code", "error", "wait"),
        [
            ("90018", Throttled, 1),
            ("90014", Throttled, 60),
            ("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", Throttled, 1),
            ("Forbidden.AccessDenied.QpmLimitForAppkeyAndApi", Throttled, 60),
            ("invalidParameter.robotCode.notExsit", Misconfigured, 60),
            ("invalidParameter.msgKey.invalid", Rejected, 60),
            ("miss.param.text", Rejected, 60),
            ("contain.unsafe.url", Rejected, 60),
            ("system.error", Unavailable, 60),
        ],
    )
    def test_families_of_codes(self, code, error, wait):
        assert (row_of(code).error, row_of(code).wait) == (error, wait)

    @pytest.mark.parametrize("code", ["90020", "Forbidden.AccessDenied.ApiCountLimitForOrg"])
    def test_the_monthly_quota_is_named(self, code):
        error = refused(answered(code)[0][0], 403)
        assert type(error) is Misconfigured
        assert "this month's calls of the organisation are used up" in error.detail

    def test_what_the_app_may_not_do_is_named(self):
        denied = {"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied", "message": "没有权限"}
        error = refused({**denied, "accessdenieddetail": {"requiredScopes": ["qyapi_robot_sendmsg"]}}, 403)
        assert error.detail.endswith("没有权限 (qyapi_robot_sendmsg)")

    @pytest.mark.parametrize(
        ("body", "status"),
        [("<!DOCTYPE html>", 200), (" <html>", 403), ({"status": 1111, "wait": 5, "punish": "deny"}, 200)],
    )
    def test_a_banned_address_rests_for_five_minutes(self, body, status):
        assert refused(body, status).retry_after == 300

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ({"errcode": 404, "errmsg": "请求的URI地址不存在"}, 200, Misconfigured),
            ({"errcode": 22, "sub_msg": "不合法ApiName"}, 200, Misconfigured),
            ({"errcode": 88}, 200, Rejected),
            ({"errcode": 88, "sub_code": "isv.new"}, 200, Rejected),
            ({"code": "a.new.code"}, 400, Rejected),
            ({"code": "a.new.code"}, 429, Throttled),
            ({"code": "a.new.code"}, 502, Unavailable),
            ({"errcode": 0}, 500, Unavailable),
            ({"processQueryKey": "k"}, 400, Unavailable),
            ({"processQueryKey": 1}, 200, Unavailable),
            ({"code": "send.forbidden", "processQueryKey": "k"}, 200, Misconfigured),
            ({}, 200, Unavailable),
            ("[]", 200, Unavailable),
            ('{"processQueryKey":', 200, Unavailable),
            ("", 302, Misconfigured),
            ("not found", 404, Misconfigured),
        ],
    )
    def test_answers_outside_of_the_tables(self, body, status, error):
        assert type(refused(body, status)) is error

    def test_a_cut_off_answer_leaves_the_outcome_open(self):
        assert refused('{"processQueryKey":').ambiguous

    def test_a_code_is_fit_for_records(self):
        error = refused({"code": f"x\n{CANARY}{'y' * 500}", "message": CANARY}, 400)
        assert CANARY not in f"{error.code} {error.detail}"
        assert len(error.code) <= 100


class TestTokenAnswers:
    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ({"code": "invalidClientIdOrSecret", "message": "无效的clientId或者clientSecret"}, 400, Misconfigured),
            ({"code": "unauthorized.client"}, 401, Misconfigured),
            ({"code": "miss.param.appKey"}, 400, Misconfigured),
            ({"code": "InvalidAuthentication"}, 400, Misconfigured),
            ({"errcode": 404}, 200, Misconfigured),
            ({"code": "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}, 403, Throttled),
            ({"code": "unknownError"}, 500, Unavailable),
            ({}, 200, Unavailable),
            ("<html>", 200, Throttled),
        ],
    )
    def test_no_token(self, body, status, error):
        with pytest.raises(DeliveryError) as raised:
            make("dingtalk_app").token_of(answer(body if isinstance(body, str) else orjson.dumps(body), status))
        assert type(raised.value) is error
