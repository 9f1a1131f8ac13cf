import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from receiver import __version__
from receiver.cli import main

ROOT = Path(__file__).parents[1]


def run(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "receiver", *arguments], cwd=cwd, capture_output=True, text=True, timeout=60
    )


def test_the_version():
    done = run("version")
    assert (done.returncode, done.stdout) == (0, f"alert-receiver {__version__}\n")


def test_the_example_is_right():
    done = run("check-config", "config.example.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "OK (7 channels, 5 routes)" in done.stdout


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path):
    event = tmp_path / "event.json"
    event.write_text('{"alerts": [' + ", ".join(['{"labels": {"alertname": "A"}}'] * 3000) + "]}")
    shell = f"{sys.executable} -m receiver render --kind=webhook {event} | head -1"
    done = subprocess.run(["sh", "-c", shell], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_every_fault_is_told_at_once_with_its_line(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("server: {lisen: 1}\nchannels:\n  - {name: a, kind: pager}\nroute: {channels: [b]}\n")
    done = run("check-config", str(file))
    assert done.returncode == 1
    assert f"{file}:1: " in done.stderr
    assert f"{file}:3: " in done.stderr
    for word in ("lisen", "pager", "channels[0].kind", "route.channels[0]"):
        assert word in done.stderr


@pytest.fixture
def with_a_broken_template(tmp_path):
    """A configuration whose WeCom template breaks off on its second line."""
    configuration = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    folder = tmp_path / "templates" / "default"
    folder.mkdir(parents=True)
    (folder / "wecom_robot.zh.j2").write_text("fine\n{% if %}\n")
    configuration["templates"] = {"directory": str(tmp_path / "templates")}
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(configuration))
    return file


def test_a_broken_template_is_found_with_its_line(with_a_broken_template):
    done = run("check-config", str(with_a_broken_template))
    assert done.returncode == 1
    assert f"{with_a_broken_template}: default/wecom_robot.zh.j2:2: " in done.stderr


def test_a_service_tells_at_once_of_a_broken_template(with_a_broken_template, tmp_path):
    with socket.socket() as taken:  # it ends by itself on a port that is taken
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"--web.listen-address=127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", f"--config.file={with_a_broken_template}", address, "--sandbox", cwd=tmp_path)
    assert "default/wecom_robot.zh.j2:2: " in done.stderr
    assert "already in use" in done.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("nonsense",), ("check-config",), ("serve", "--no-such-flag"), ("serve", "--log.level=loud")]
)
def test_wrong_usage_ends_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_missing_file_ends_with_one(tmp_path):
    done = run("serve", f"--config.file={tmp_path / 'none.yaml'}")
    assert done.returncode == 1
    assert "cannot be read" in done.stderr


def test_a_second_service_on_the_same_store_is_refused(serve_twice):
    assert serve_twice.returncode == 1
    assert "another process" in serve_twice.stderr
    assert "Traceback" not in serve_twice.stderr


@pytest.fixture
async def serve_twice(serve, providers, tmp_path):
    first = await serve()
    configuration = yaml.safe_load(first.file.read_text())
    configuration["server"]["listen"] = "127.0.0.1:0"
    second = tmp_path / "second.yaml"
    second.write_text(yaml.safe_dump(configuration))
    return run("serve", f"--config.file={second}", cwd=tmp_path)


async def test_a_taken_address_ends_with_one(serve, tmp_path):
    first = await serve()
    configuration = yaml.safe_load(first.file.read_text())
    configuration["storage"]["url"] = f"sqlite:///{tmp_path / 'other.db'}"
    second = tmp_path / "second.yaml"
    second.write_text(yaml.safe_dump(configuration))
    done = run("serve", f"--config.file={second}", cwd=tmp_path)
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr
