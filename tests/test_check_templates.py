"""`check-config` renders every template in use on every sample: each fault with its file, its line and the cause."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from channel_examples import EXAMPLES
from rendering_samples import channel as made_up

from receiver.channels.registry import CHANNELS
from receiver.cli import main
from receiver.delivery.rendering.library import folders
from receiver.delivery.rendering.sources import roots

SHIPPED = roots(None)[0]
PRESETS = [name for name in folders(None) if list((SHIPPED / name).glob("webhook*.j2"))]
BOTH = ("zh", "en")


@pytest.fixture
def check(tmp_path, capsys):
    """Checks a configuration of one channel over templates; the exit status, and what was said of the templates."""

    def run(kind, files=(), **settings):
        for name, text in dict(files).items():
            (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "own" / name).write_text(text, encoding="utf-8")
        offered = {"name": "ops", "kind": kind, **EXAMPLES[kind], **settings}
        configuration = {"channels": [offered], "route": {"channels": ["ops"]}}
        if files:
            configuration["templates"] = {"directory": str(tmp_path / "own")}
        file = tmp_path / "config.yaml"
        file.write_text(yaml.safe_dump(configuration))
        status = main(["check-config", str(file)])
        said = capsys.readouterr().err.splitlines()
        assert all(line.startswith(f"{file}: ") for line in said)
        return status, [line.removeprefix(f"{file}: ") for line in said]

    return run


def body(kind, folder="own"):
    return f"{folder}/{made_up(kind).body_template}.j2"


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize("kind", CHANNELS)
def test_what_is_shipped_is_right(check, kind, language):
    assert check(kind, language=language) == (0, [])


FAULTS = {
    "syntax": ("one\ntwo\n{% if %}", 3, "Expected an expression"),
    "an unknown filter": ("one\n{{ status | upcase }}", 2, "No filter named 'upcase'"),
    "an error": ("{{ status }}\n{{ 1 // 0 }}", 2, "ZeroDivisionError"),
    "a sender's sample": ("{% if format == 'grafana' %}\n{{ 1 // 0 }}\n{% endif %}", 2, "ZeroDivisionError"),
    "a sample without alerts": ("\n\n{{ 1 // alerts | length }}", 3, "ZeroDivisionError"),
    "an endless loop": ("{% for a in range(10**9) %}\n{% endfor %}", 1, "range"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", CHANNELS)
def test_a_fault_in_a_body_is_told_with_its_line(check, kind, fault):
    text, line, cause = FAULTS[fault]
    words = {"content_type": "text/plain"} if kind == "webhook" else {}
    status, (said,) = check(kind, {body(kind): text}, template="own", **words)
    assert status == 1
    assert said.startswith(f"{body(kind)}:{line}: ")
    assert cause in said


@pytest.mark.parametrize("noun", ["title", "plain"])
@pytest.mark.parametrize("kind", CHANNELS)
def test_a_fault_in_what_all_kinds_share_is_told_too(check, kind, noun):
    files = {f"own/{noun}.zh.j2": "\n{{ oops(", body(kind): '"{{ title }}"'}
    status, said = check(kind, files, template="own")
    assert status == 1
    assert any(line.startswith(f"own/{noun}.zh.j2:2: ") for line in said)


def test_every_fault_is_told_at_once(check):
    files = {"own/title.j2": "{{ 1 // 0 }}", "own/plain.j2": "\n{% if %}", "own/wecom_robot.j2": "\n\n{{ nothing() }}"}
    status, said = check("wecom_robot", files, template="own")
    assert status == 1
    places = {line.split(": ")[0] for line in said}
    assert places == {"own/title.j2:1", "own/plain.j2:2", "own/wecom_robot.j2:3"}


def test_a_fault_in_what_a_template_includes_is_told_where_it_is(check):
    files = {"own/wecom_robot.j2": "one\n{% include 'own/foot.j2' %}", "own/foot.j2": "one\ntwo\n{{ 1 // 0 }}"}
    status, (said,) = check("wecom_robot", files, template="own")
    assert (status, said.startswith("own/foot.j2:3: ZeroDivisionError")) == (1, True)


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_template_that_is_not_there_is_told(check, kind):
    status, said = check(kind, template="nosuch")
    assert status == 1
    assert any(line.startswith("nosuch/") and "no such file (template of channels[0])" in line for line in said)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_shipped_webhook_template_is_right(check, preset):
    assert check("webhook", template=preset) == (0, [])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_broken_copy_of_a_webhook_template_is_told(check, preset):
    (shipped, *_) = sorted((SHIPPED / preset).glob("webhook*.j2"))
    text = Path(shipped).read_text(encoding="utf-8")
    status, (said,) = check("webhook", {f"own/{shipped.name}": f"{text}\n{{% if %}}"}, template="own")
    assert status == 1
    assert said.startswith(f"own/{shipped.name}:{text.count(chr(10)) + 2}: ")


@pytest.mark.parametrize("broken", ['{"text": "{{ heading }}",}', '{"text": {{ heading }}}', "{{ event }}"])
def test_a_webhook_that_is_no_json_is_told_with_its_file_and_what_stands_there(check, broken):
    status, (said,) = check("webhook", {"own/webhook.j2": broken}, template="own")
    assert status == 1
    assert said.startswith("own/webhook.j2: the body is no JSON: ")
    assert check("webhook", {"own/webhook.j2": broken}, template="own", content_type="text/plain") == (0, [])
