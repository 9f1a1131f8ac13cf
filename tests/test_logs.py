import json
import logging
import re

import pytest
import structlog

from receiver import logs


@pytest.fixture
def written(capsys):
    """Says what was logged; the process's logging is put back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:], root.level = before
    structlog.reset_defaults()


HOSTILE = 'x"\nlevel=error msg=fake \x1b[31m red'


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_label_ends_no_line_and_colours_no_terminal(written, form):
    logs.configure("info", form)
    structlog.get_logger(component="test").info("told", label=HOSTILE)
    (line,) = written().splitlines()
    assert "\x1b" not in line
    assert "fake" in line


def test_json_lines_are_json(written):
    logs.configure("info", "json")
    structlog.get_logger(component="test").warning("told", number=1, label=HOSTILE)
    entry = json.loads(written())
    assert (entry["level"], entry["msg"], entry["component"], entry["number"]) == ("warn", "told", "test", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["ts"])


def test_long_values_are_cut(written):
    logs.configure("info", "json")
    structlog.get_logger(component="test").info("told", label="y" * 100_000)
    assert len(written()) < 2000


def test_the_level_is_kept(written):
    logs.configure("error", "logfmt")
    structlog.get_logger(component="test").info("quiet")
    structlog.get_logger(component="test").error("loud")
    said = written()
    assert "quiet" not in said
    assert "loud" in said


def test_a_traceback_stays_on_its_line(written):
    logs.configure("info", "logfmt")
    try:
        raise ValueError("inner")
    except ValueError:
        structlog.get_logger(component="test").exception("failed")
    (line,) = written().splitlines()
    assert "ValueError: inner" in line
