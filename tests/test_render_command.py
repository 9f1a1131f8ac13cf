"""`alert-receiver render`: any kind, any body, with or without a configuration; nothing is sent."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from stage import LIVE, notification

from receiver.channels.registry import CHANNELS
from receiver.cli import main
from receiver.delivery.rendering.library import folders
from receiver.delivery.rendering.sources import roots

ROOT = Path(__file__).parents[1]
SHIPPED = roots(None)[-1]
EXAMPLE = f"--config.file={ROOT / 'config.example.yaml'}"
GRAFANA = {
    "receiver": "people",
    "status": "firing",
    "orgId": 1,
    "title": "[FIRING:1] High CPU",
    "state": "alerting",
    "alerts": [{"status": "firing", "labels": {"alertname": "High CPU"}, "values": {"B": 95}, "valueString": "x"}],
}
LEGACY = {"title": "[Alerting] High CPU", "ruleName": "High CPU", "state": "alerting", "ruleId": 1, "evalMatches": []}
BODIES = {
    "alertmanager": (LIVE / "am-0.33.1" / "default_firing_1.json").read_text(),
    "a look-alike": json.dumps({"alerts": [{"labels": {"alertname": "High CPU"}}]}),
    "an array": json.dumps([{"labels": {"alertname": "High CPU"}}]),
    "grafana": json.dumps(GRAFANA),
    "grafana legacy": json.dumps(LEGACY),
}


@pytest.fixture
def event(tmp_path):
    """A file with an event of one alert that has ended."""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(notification("DiskFull", status="resolved", owner="lisi")))
    return str(file)


@pytest.fixture
def render(capsys):
    """Runs the command; the exit status, and what it printed."""

    def run(*arguments):
        try:
            status = main(["render", *arguments])
        except SystemExit as ended:
            status = ended.code
        said = capsys.readouterr()
        return SimpleNamespace(status=status, out=said.out, err=said.err)

    return run


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_kind_is_shown_as_people_read_it_and_on_the_wire(render, event, kind):
    done = render(f"--kind={kind}", event)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"{kind}, template default, language zh\n\n== message 1/1, ")
    before, read, wire = done.out.replace("-- on the wire", "-- as people read it").split("-- as people read it\n")[:3]
    assert "DiskFull" in read
    assert "DiskFull" in wire
    assert " bytes\n" in before


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_body_that_is_taken_can_be_shown(render, tmp_path, body):
    file = tmp_path / "body.json"
    file.write_text(body)
    done = render("--kind=wecom_robot", "--format=json", str(file))
    (message,) = json.loads(done.out)["messages"]
    assert done.status == 0
    assert 0 < message["bytes"] <= message["limit"] == 4096


@pytest.mark.parametrize("preset", [name for name in folders(None) if list((SHIPPED / name).glob("webhook*.j2"))])
def test_every_shipped_webhook_template_makes_an_object(render, event, preset):
    done = render("--kind=webhook", f"--template={preset}", "--format=json", event)
    assert (done.status, done.err) == (0, "")
    (message,) = json.loads(done.out)["messages"]
    assert "DiskFull" in json.dumps(message["content"])
    assert isinstance(message["content"], dict)


def test_an_event_comes_from_standard_input(render, event, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(Path(event).read_bytes())))
    done = render("--kind=feishu_bot", "-")
    assert (done.status, "DiskFull" in done.out) == (0, True)


def test_json_is_the_answer_of_the_api(render, event):
    answer = json.loads(render("--kind=dingtalk_robot", "--language=en", "--format=json", event).out)
    assert list(answer) == ["messages", "kind", "template", "language", "warnings"]
    assert (answer["kind"], answer["language"]) == ("dingtalk_robot", "en")
    assert answer["messages"][0]["content"]["msgtype"] == "markdown"
    assert "RESOLVED" in answer["messages"][0]["text"]


def test_a_channel_has_its_settings_of_the_configuration(render, event):
    done = render(EXAMPLE, "--channel=dba", event)
    assert done.status == 0
    assert done.out.startswith("dingtalk_robot, template default, language zh\n")


def test_whom_a_channel_mentions_is_said(render, tmp_path):
    file = tmp_path / "firing.json"
    file.write_text(json.dumps(notification("DiskFull", team="db", owner="nobody")))
    done = render(EXAMPLE, "--channel=dba", str(file))
    assert "\nmentions: 13900002222\n" in done.out
    done = render(EXAMPLE, "--channel=infra", str(file))
    assert (done.status, done.err) == (0, "warning: no contact is named nobody: nobody is mentioned for it\n")


@pytest.fixture
def own(tmp_path):
    """A configuration with templates of its own: `good` and `bad`."""
    for name, text in (("good", "words of {{ channel.name }}"), ("bad", "fine\n{% if %}\n")):
        (tmp_path / "own" / name).mkdir(parents=True)
        (tmp_path / "own" / name / "wecom_robot.j2").write_text(text)
    configuration = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    configuration["templates"] = {"directory": str(tmp_path / "own")}
    configuration["display"] = {"language": "en"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(configuration))
    return f"--config.file={tmp_path / 'config.yaml'}"


def test_a_kind_takes_templates_and_display_from_a_configuration(render, event, own):
    done = render("--kind=wecom_robot", "--template=good", own, event)
    assert done.status == 0
    assert "words of wecom_robot" in done.out
    assert "language en" in done.out


@pytest.mark.parametrize("where", ["--kind=wecom_robot", "--channel=infra"])
def test_a_faulty_template_is_named_and_the_plain_text_is_shown(render, event, own, where):
    done = render(where, "--template=bad", own, event)
    assert done.status == 1
    assert "warning: the template failed, built-in plain text would go out: bad/wecom_robot.j2:2: " in done.err
    assert "summary of DiskFull" in done.out


def test_a_configuration_in_the_working_directory_is_found(render, event, own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "words of infra" in render("--channel=infra", "--template=good", event).out


def test_a_storm_warns_of_its_parts(render, tmp_path):
    file = tmp_path / "storm.json"
    file.write_text(json.dumps(notification(*(f"Alert{number}" for number in range(100)))))
    done = render("--kind=wecom_robot", str(file))
    parts = done.out.count("== message ")
    assert (done.status, done.err) == (0, f"warning: split into {parts} messages: one has no room for all\n")


@pytest.mark.parametrize("text", ['{"a": 1}', "{", "", "7", "[]"])
def test_a_body_that_is_none_ends_with_one(render, tmp_path, text):
    file = tmp_path / "none.json"
    file.write_text(text)
    done = render("--kind=webhook", str(file))
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"{file}: ")


def test_a_file_or_configuration_that_is_not_there_ends_with_one(render, event, tmp_path):
    done = render("--kind=webhook", str(tmp_path / "none.json"))
    assert (done.status, done.err) == (1, f"{tmp_path / 'none.json'}: cannot be read: No such file or directory\n")
    done = render("--channel=infra", f"--config.file={tmp_path / 'none.yaml'}", event)
    assert (done.status, "cannot be read" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "one of the arguments --channel --kind is required"),
        (("--kind=webhook", "--channel=infra"), "not allowed with"),
        (("--kind=pager",), "no kind is named 'pager'; there are wecom_robot, "),
        (("--kind=wecom_robt",), "did you mean wecom_robot?"),
        ((EXAMPLE, "--channel=infr"), "no channel is named 'infr'; did you mean infra?"),
        (("--kind=webhook", "--template=nosuch"), "no template is named 'nosuch'"),
        (("--kind=webhook", "--template=../default"), "no template is named '../default'"),
        (("--kind=webhook", "--language=fr"), "invalid choice"),
        (("--kind=webhook", "--format=xml"), "invalid choice"),
    ],
)
def test_wrong_usage_ends_with_two(render, event, arguments, says):
    done = render(*arguments, event)
    assert (done.status, done.out) == (2, "")
    assert "usage: " in done.err
    assert says in done.err


def test_nothing_steers_the_terminal(render, tmp_path, own):
    (tmp_path / "own" / "good" / "webhook.j2").write_text("\x1b[31mred\x07")
    (tmp_path / "event.json").write_text(json.dumps(notification("A")))
    done = render("--kind=webhook", "--template=good", own, str(tmp_path / "event.json"))
    assert "\x1b" not in done.out
    assert "\ufffd[31mred\ufffd" in done.out


def test_the_command_is_part_of_the_program(event):
    command = [sys.executable, "-m", "receiver", "render", "--kind=wecom_robot", event]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "DiskFull" in done.stdout
