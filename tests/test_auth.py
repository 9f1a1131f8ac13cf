"""Senders: bearer tokens, basic auth and Grafana's HMAC; whatever is sent, an answer and never an exception."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from pathlib import Path

import pytest
from multidict import CIMultiDict
from pydantic import ValidationError

import receiver.auth
from receiver.auth import AuthSettings, Senders, UserSettings, WebhookCredential

NOW = 1_700_000_000.0
BODY = b'{"a":1}'
PLAIN = "aa9e2e3575f5d7098b6caccd790888c36d5fdb63342a73bada2d6a51747a8494"
STAMPED = "4f0bff5cd8903c8149837f5187dd1ebbb1ba3fe7acd2a8b61cb3fb91e509a6ad"
HASH = "$2b$04$zcFV8COKAfC7/9WhUyfDguF2w7.FGLsPqv8aSpo3I6C6YMsiVdqoK"


def senders(*credentials):
    return Senders([WebhookCredential.model_validate(each) for each in credentials])


def basic(username, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


TOKEN = senders({"name": "am", "token": "s3cret"})
BASIC = senders({"name": "am", "username": "alice", "password": "pä:ss"})
SIGNED = senders({"name": "grafana", "hmac_secret": "secret"})
TIMED = senders({"name": "grafana", "hmac_secret": "secret", "hmac_timestamp_header": "X-Grafana-Alerting-Timestamp"})


def signature(value, timestamp=None):
    headers = {"X-Grafana-Alerting-Signature": value}
    return headers if timestamp is None else headers | {"X-Grafana-Alerting-Timestamp": timestamp}


def test_without_credentials_everyone_is_let_in():
    assert senders().open
    assert not TOKEN.open


@pytest.mark.parametrize("value", ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret "])
def test_the_right_token(value):
    assert TOKEN.by_header({"Authorization": value}) == "am"


def test_header_names_have_no_case():
    assert TOKEN.by_header({"authorization": "Bearer s3cret"}) == "am"
    assert TOKEN.by_header(CIMultiDict({"aUTHORIZATION": "Bearer s3cret"})) == "am"


@pytest.mark.parametrize(
    "value",
    [
        "Bearer wrong",
        "Bearer s3cre",
        "Bearer s3cretx",
        "Bearer ",
        "Bearer",
        "",
        "s3cret",
        "Basic s3cret",
        "Token s3cret",
        "Bearer пароль",
        "Bearer \udcff\udcfe",
        "Bearer \ud800",
        "Bearer s3cret\x00",
        "Bearer " + "x" * 1_000_000,
        "Basic " + "x" * 1_000_000,
    ],
)
def test_a_wrong_token_is_nobody(value):
    assert TOKEN.by_header({"Authorization": value}) is None


def test_a_missing_header_is_nobody():
    assert TOKEN.by_header({}) is None


def test_a_token_of_any_characters():
    assert senders({"name": "am", "token": "密钥"}).by_header({"Authorization": "Bearer 密钥"}) == "am"


def test_the_right_password():
    assert BASIC.by_header(basic("alice", "pä:ss")) == "am"


@pytest.mark.parametrize(
    "headers",
    [
        basic("alice", "wrong"),
        basic("alice", ""),
        basic("", "pä:ss"),
        basic("bob", "pä:ss"),
        basic("alice:pä", "ss2"),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic YWxpY2U"},
        {"Authorization": "Basic " + base64.b64encode(b"alice").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\x00").decode()},
        {"Authorization": "Basic Ünicode"},
        {"Authorization": "Bearer alice:pä:ss"},
    ],
)
def test_a_wrong_password_is_nobody(headers):
    assert BASIC.by_header(headers) is None


def test_two_tokens_of_one_name_for_rotation():
    both = senders({"name": "am", "token": "old"}, {"name": "am", "token": "new"})
    assert [both.by_header({"Authorization": f"Bearer {token}"}) for token in ("old", "new")] == ["am", "am"]


def test_the_name_of_the_credential_is_the_answer():
    two = senders({"name": "one", "token": "1"}, {"name": "two", "username": "u", "password": "2"})
    assert two.by_header(basic("u", "2")) == "two"


def test_a_signature_is_wanted_only_where_one_is_configured():
    assert SIGNED.wants_signature
    assert not TOKEN.wants_signature


def test_grafana_signature_over_the_body():
    assert SIGNED.by_signature(signature(PLAIN), BODY, NOW) == "grafana"


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_grafana_signature_with_timestamp(skew):
    assert TIMED.by_signature(signature(STAMPED, "1700000000"), BODY, NOW + skew) == "grafana"


@pytest.mark.parametrize("skew", [-301, 301])
def test_a_stale_timestamp_is_refused(skew):
    assert TIMED.by_signature(signature(STAMPED, "1700000000"), BODY, NOW + skew) is None


@pytest.mark.parametrize(
    "timestamp",
    [None, "", "1700000000.0", "1.7e9", "-1700000000", "+1700000000", "１７０００００００００", "9" * 5000, "now", " "],
)
def test_a_timestamp_that_is_none_is_refused(timestamp):
    stamped = hmac.digest(b"secret", f"{timestamp}:".encode() + BODY, hashlib.sha256).hex()
    assert TIMED.by_signature(signature(stamped, timestamp), BODY, NOW) is None


def test_a_plain_signature_is_refused_where_a_timestamp_is_required():
    assert TIMED.by_signature(signature(PLAIN, "1700000000"), BODY, NOW) is None


@pytest.mark.parametrize("position", range(0, 64, 7))
def test_any_changed_digit_is_refused(position):
    changed = PLAIN[:position] + format(int(PLAIN[position], 16) ^ 1, "x") + PLAIN[position + 1 :]
    assert SIGNED.by_signature(signature(changed), BODY, NOW) is None


@pytest.mark.parametrize("bit", range(0, len(BODY) * 8, 5))
def test_any_changed_bit_of_the_body_is_refused(bit):
    changed = bytearray(BODY)
    changed[bit // 8] ^= 1 << bit % 8
    assert SIGNED.by_signature(signature(PLAIN), bytes(changed), NOW) is None


def test_a_body_serialised_anew_is_refused():
    assert SIGNED.by_signature(signature(PLAIN), b'{"a": 1}', NOW) is None


@pytest.mark.parametrize(
    "value", ["", PLAIN[:-1], PLAIN + "00", f"sha256={PLAIN}", "zz" * 32, "数" * 64, "\udcff" * 64, "0" * 1_000_000]
)
def test_a_malformed_signature_is_refused(value):
    assert SIGNED.by_signature(signature(value), BODY, NOW) is None


def test_no_signature_is_refused():
    assert SIGNED.by_signature({}, BODY, NOW) is None


def test_an_empty_body_can_be_signed():
    empty = hmac.digest(b"secret", b"", hashlib.sha256).hex()
    assert SIGNED.by_signature(signature(empty), b"", NOW) == "grafana"


def test_the_old_secret_works_during_the_overlap():
    both = senders({"name": "new", "hmac_secret": "other"}, {"name": "old", "hmac_secret": "secret"})
    assert both.by_signature(signature(PLAIN), BODY, NOW) == "old"


def test_another_signature_header():
    named = senders({"name": "g", "hmac_secret": "secret", "hmac_header": "X-Signature"})
    assert named.by_signature({"x-signature": PLAIN}, BODY, NOW) == "g"
    assert named.by_signature(signature(PLAIN), BODY, NOW) is None


def test_a_signing_secret_is_no_token():
    assert SIGNED.by_header({"Authorization": "Bearer secret"}) is None


@pytest.mark.parametrize(
    ("credential", "sentence"),
    [
        ({"name": "a"}, "exactly one of token"),
        ({"name": "a", "token": "t", "hmac_secret": "h"}, "exactly one of token"),
        ({"name": "a", "token": "t", "username": "u", "password": "p"}, "exactly one of token"),
        ({"name": "a", "username": "u"}, "username and password go together"),
        ({"name": "a", "password": "p"}, "username and password go together"),
        ({"name": "a", "token": ""}, "must not be empty"),
        ({"name": "a", "username": "u:v", "password": "p"}, "without colons"),
        ({"name": "a b", "token": "t"}, "letters, digits"),
        ({"name": "a", "token": "t", "hmac_header": "X-S"}, "hmac_header: goes with hmac_secret only"),
        ({"name": "a", "hmac_secret": "h", "hmac_header": "X S"}, "name of an HTTP header"),
        ({"name": "a", "token": "t", "realm": "r"}, "not permitted"),
    ],
)
def test_a_credential_must_prove_by_one_thing(credential, sentence):
    with pytest.raises(ValidationError, match=sentence):
        WebhookCredential.model_validate(credential)


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ({"name": "a"}, "exactly one of password_hash or token"),
        ({"name": "a", "password_hash": HASH, "token": "t"}, "exactly one of password_hash or token"),
        ({"name": "a", "password_hash": "plain text"}, "must be a bcrypt hash"),
        ({"name": "a", "password_hash": HASH[:-1]}, "must be a bcrypt hash"),
        ({"name": "a", "password_hash": HASH.replace("$04$", "$31$")}, "must be a bcrypt hash"),
        ({"name": "a:b", "token": "t"}, "without colons"),
        ({"name": "", "token": "t"}, "without colons"),
        ({"name": "a", "token": "t", "role": "admin"}, "'viewer' or 'operator'"),
    ],
)
def test_a_user_must_prove_by_one_thing(user, sentence):
    with pytest.raises(ValidationError, match=sentence):
        UserSettings.model_validate(user)


def test_users_have_names_of_their_own():
    with pytest.raises(ValidationError, match=r"users\.2\.name: is taken by another user"):
        AuthSettings.model_validate({"users": [{"name": name, "token": name} for name in ("a", "b", "a")]})


def test_a_secret_may_stand_in_a_file(tmp_path):
    (tmp_path / "token").write_text("from-a-file\n")
    from_file = senders({"name": "am", "token_file": str(tmp_path / "token")})
    assert from_file.by_header({"Authorization": "Bearer from-a-file"}) == "am"


def test_secrets_do_not_show():
    shown = repr(WebhookCredential(name="a", token="canary-1")) + repr(vars(TOKEN)) + repr(vars(SIGNED))
    assert "canary-1" not in shown
    assert "s3cret" not in shown


def test_no_secret_is_compared_with_the_equals_sign():
    for file in Path(receiver.auth.__file__).parent.glob("*.py"):
        assert not re.search(r"(token|secret|password|digest|signature|hash)\w* *[!=]= *(?!.*None)", file.read_text())
