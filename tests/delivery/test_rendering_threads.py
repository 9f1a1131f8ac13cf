"""A renderer in several threads: none waits for another, and all compile the same files, each of them once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from rendering_samples import NOW, batch, channel, renderer, template

from receiver.delivery.rendering.compiling import CodeCache
from receiver.delivery.rendering.environment import TemplateEnvironment
from receiver.delivery.rendering.samples import alert

ENDLESS = "{% for a in range(1000) %}{% for b in range(900) %}{{ b }}{% endfor %}{% endfor %}"


def said(own, facts=None, **there):
    return own.render(channel(**there), facts or batch(alert()), NOW).texts[0].body


@pytest.fixture
def thread():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def test_a_quick_rendering_does_not_wait_for_a_slow_one(tmp_path, thread):
    own = template(tmp_path, ENDLESS, "slow/wecom_robot.j2")
    quick = said(own)
    slow, begun = thread.submit(said, own, template="slow"), time.perf_counter()
    for _ in range(5):
        assert said(own) == quick
    assert not slow.done()
    took = time.perf_counter() - begun
    assert "disk of db1 is full" in slow.result()
    assert time.perf_counter() - begun > 2 * took


def test_what_is_rendered_at_once_is_not_mixed_up(thread):
    own = renderer()
    events = [batch(*[alert(labels={"alertname": f"{name}{n}"}) for n in range(40)]) for name in "ab"]
    alone = [said(own, facts) for facts in events]
    other = thread.submit(lambda: [said(own, events[1]) for _ in range(40)])
    assert [said(own, events[0]) for _ in range(40)] == [alone[0]] * 40
    assert other.result() == [alone[1]] * 40


def test_all_threads_render_the_files_as_they_were_read_first(tmp_path, thread):
    own = template(tmp_path, "{% include 'default/other.j2' %} first")
    template(tmp_path, "one", "default/other.j2")
    assert said(own) == "one first"
    template(tmp_path, "{% include 'default/other.j2' %} second")
    template(tmp_path, "two", "default/other.j2")
    assert thread.submit(said, own).result() == "one first"


def test_nothing_is_compiled_twice(monkeypatch, thread):
    first = said(renderer())
    monkeypatch.setattr(TemplateEnvironment, "compile", None)
    own = renderer()
    assert said(own) == thread.submit(said, own).result() == first


def test_a_changed_file_is_compiled_anew(tmp_path):
    assert said(template(tmp_path, "{{ 'a' | upper }}")) == "A"
    assert said(template(tmp_path, "{{ 'b' | upper }}")) == "B"


def test_what_was_worked_out_for_one_way_to_show_is_not_shown_in_another(tmp_path):
    text = "{{ 'x*' }}{{ 'a' | link('https://a.example/') }}{{ '2025-11-20T00:00:00Z' | date }}"
    for noun in ("wecom_robot", "feishu_bot", "plain"):
        there = template(tmp_path, text, f"default/{noun}.j2")
    assert said(there) == "x*[a](https://a.example/)2025-11-20 08:00:00"
    assert said(there, kind="feishu_bot") == "x&#42;[a](https://a.example/)2025-11-20 08&#58;00:00"
    assert said(there, format="template_card") == "x*a https://a.example/2025-11-20 08:00:00"
    assert said(renderer(tmp_path, timezone="UTC")) == "x*[a](https://a.example/)2025-11-20 00:00:00"


def test_the_code_that_is_kept_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(CodeCache, "MOST", 5)
    for number in range(20):
        assert said(template(tmp_path, f"text {number}")) == f"text {number}"
        assert len(CodeCache._known) <= 5
