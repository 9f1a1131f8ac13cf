"""A channel's http_config: what is accepted, what is refused, and that no secret shows."""

import pytest
from pydantic import ValidationError

from receiver.http_config import HttpConfig

CANARY = "canary-4f1d7c"


def config(**settings) -> HttpConfig:
    return HttpConfig.model_validate(settings)


def test_the_default_is_a_user_agent_and_no_compression():
    assert dict(config().default_headers()) == {"User-Agent": "alert-receiver/0.1.0", "Accept-Encoding": "identity"}


def test_basic_auth_becomes_a_header():
    auth = {"username": "Aladdin", "password": "open sesame"}
    assert config(basic_auth=auth).default_headers()["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_authorization_is_bearer_unless_told_otherwise():
    assert config(authorization={"credentials": "x"}).default_headers()["Authorization"] == "Bearer x"
    assert config(authorization={"type": "Key", "credentials": "x"}).default_headers()["Authorization"] == "Key x"


def test_a_password_may_stand_in_a_file(tmp_path):
    (tmp_path / "password").write_text("p\n")
    auth = {"username": "u", "password_file": str(tmp_path / "password")}
    assert config(basic_auth=auth).basic_auth.password.get_secret_value() == "p"


def test_a_header_may_have_one_value_or_several():
    headers = config(http_headers={"X-One": "1", "X-Two": ["2", "3"], "user-agent": "me"}).default_headers()
    assert (headers["X-One"], headers.getall("X-Two"), headers.getall("User-Agent")) == ("1", ["2", "3"], ["me"])


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Connection", "TE", "Upgrade", "Proxy-Authorization", "a b"]
)
def test_headers_of_the_connection_are_refused(name):
    with pytest.raises(ValidationError, match="header"):
        config(http_headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nHost: evil", "a\0", [], [1], None, {"a": "b"}])
def test_values_that_are_no_header_are_refused(value):
    with pytest.raises(ValidationError, match="X-A must have a text"):
        config(http_headers={"X-A": value})


def test_two_kinds_of_authorization_are_refused():
    with pytest.raises(ValidationError, match="exclude each other"):
        config(basic_auth={"username": "u", "password": "p"}, authorization={"credentials": "c"})


@pytest.mark.parametrize("url", ["proxy:3128", "socks5://proxy", "http://proxy/path", "http://", "http://a b"])
def test_a_proxy_is_an_http_host(url):
    with pytest.raises(ValidationError, match="proxy_url must be like"):
        config(proxy_url=url)


def test_verification_cannot_be_switched_off():
    with pytest.raises(ValidationError, match="insecure_skip_verify"):
        config(tls_config={"insecure_skip_verify": True})


def test_files_that_cannot_be_used_are_found_at_once(tmp_path):
    (tmp_path / "not.pem").write_text("no certificate")
    with pytest.raises(ValidationError, match="No such file"):
        config(tls_config={"ca_file": str(tmp_path / "missing.pem")})
    with pytest.raises(ValidationError, match="not usable PEM"):
        config(tls_config={"ca_file": str(tmp_path / "not.pem")})
    with pytest.raises(ValidationError, match="key_file needs cert_file"):
        config(tls_config={"key_file": str(tmp_path / "not.pem")})


@pytest.mark.parametrize(
    "settings",
    [
        {"proxy_url": f"http://u:{CANARY}@proxy"},
        {"basic_auth": {"username": "u", "password": CANARY}},
        {"authorization": {"credentials": CANARY}},
        {"http_headers": {"X-Key": [CANARY]}},
    ],
)
def test_no_secret_shows(settings):
    accepted = config(**settings)
    assert CANARY not in f"{accepted!r} {accepted!s} {accepted.model_dump()} {accepted.model_dump_json()}"
    with pytest.raises(ValidationError) as refused:
        config(**settings, unknown=1)
    assert CANARY not in str(refused.value)
