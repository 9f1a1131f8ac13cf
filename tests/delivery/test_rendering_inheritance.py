"""Templates that build upon others: blocks, includes and macros, in a folder of one's own over the shipped one."""

from __future__ import annotations

import pytest
from rendering_samples import NOW, batch, channel, renderer, template

from receiver.delivery.rendering.samples import alert

NAMES = ("default/wecom_robot.zh.j2", "default/wecom_robot.j2")
"""How the shipped template may be called: with a language, which it has no file for, or without."""


def files(folder, **texts):
    """A renderer over a folder with these files; `__` stands for `/`, and all end in .j2."""
    for name, text in texts.items():
        template(folder, text, f"{name.replace('__', '/')}.j2")
    return renderer(folder)


def said(own, facts=None, language="zh", kind="wecom_robot", **settings):
    there = channel(kind, language=language, **settings)
    rendering = own.render(there, facts or batch(alert()), NOW)
    assert rendering.failed == ""
    assert own.check([there]) == []
    return "\n".join(text.body for text in rendering.texts)


def two():
    return batch(*[alert(labels={"alertname": "A", "owner": f"team{n}"}) for n in range(2)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_block_of_the_shipped_template_is_replaced(tmp_path, name, language):
    shipped = said(renderer(), two(), language)
    own = files(tmp_path, mine__wecom_robot=f"{{% extends '{name}' %}}{{% block foot %}}MINE{{% endblock %}}")
    assert said(own, two(), language, template="mine") == f"{shipped}\n\nMINE"


@pytest.mark.parametrize(
    ("block", "facts", "times"), [("head", two, 1), ("alert", two, 2), ("foot", two, 1), ("one", lambda: None, 1)]
)
@pytest.mark.parametrize("kind", ["wecom_robot", "dingtalk_robot", "feishu_bot", "feishu_app"])
def test_each_block_can_be_added_to(tmp_path, kind, block, facts, times):
    text = f"{{% extends 'default/{kind}.j2' %}}{{% block {block} %}}{{{{ super() }}}}ADDED\n{{% endblock %}}"
    own = files(tmp_path, **{f"mine__{kind}": text})
    made = said(own, facts(), kind=kind, template="mine")
    assert made.count("ADDED") == times
    assert made.replace("ADDED", "").split() == said(renderer(), facts(), kind=kind).split()


def test_a_replaced_block_speaks_of_its_alert(tmp_path):
    block = "{% block alert %}{{ alert.labels.owner }}<b>{{ message }}\n{% endblock %}"
    own = files(tmp_path, mine__wecom_robot="{% extends 'default/wecom_robot.j2' %}" + block)
    facts = batch(*two().alerts, message="<@all>")
    assert said(own, facts, template="mine").endswith("\n\nteam0<b>＜@all>\n\nteam1<b>＜@all>")


def test_the_look_is_changed_and_the_words_stay(tmp_path):
    look = "{% extends 'default/message.zh.j2' %}{% set open = ' <' | safe %}{% set close = '>' | safe %}"
    own = files(
        tmp_path, mine__wecom_robot=look + "{% set between = ' | ' %}{% set line = '\\n* ' | safe %}{% set near = 0 %}"
    )
    made = said(
        own, batch(*two().alerts, record_url="https://a.example/1"), template="mine", link="https://b.example/2"
    )
    assert "告警 <disk of db1 is full>\n* owner=team1\n* 2025-11-20 08:00:00 起" in made
    assert made.endswith("[推送记录](https://a.example/1) | [查看详情](https://b.example/2)")


def test_a_file_of_the_same_name_builds_upon_the_shipped_one(tmp_path):
    text = "{% extends 'default/wecom_robot.zh.j2' %}{% block foot %}OURS{% endblock %}"
    for name in ("default__wecom_robot.zh", "default__wecom_robot"):
        own = files(tmp_path / name, **{name: text})
        assert said(own).endswith("\n\nOURS")
        assert said(own).startswith("> 实例：db1:9100\n")


def test_words_of_ones_own_for_all_kinds(tmp_path):
    text = "{% extends 'default/message.zh.j2' %}{% block foot %}OURS{% endblock %}"
    template(tmp_path, text, "default/message.zh.j2")
    for kind in ("wecom_robot", "dingtalk_robot", "feishu_bot", "feishu_app", "wecom_app", "dingtalk_app"):
        assert said(renderer(tmp_path), kind=kind).endswith("OURS")


def test_the_shipped_one_is_named(tmp_path):
    own = files(
        tmp_path, default__wecom_robot="HIDDEN", mine__wecom_robot="{% include 'shipped:default/wecom_robot.j2' %}"
    )
    assert said(own, template="mine") == said(renderer())


def test_including_and_importing(tmp_path):
    own = files(
        tmp_path,
        mine__wecom_robot="{% import 'mine/parts.j2' as p %}{{ p.bold(subject) }}\n{% include 'mine/more.zh.j2' %}",
        mine__parts="{% macro bold(text) %}**{{ text }}**{% endmacro %}",
        mine__more="{{ severity }}",
    )
    facts = batch(alert(labels={"alertname": "<@all>", "severity": "page"}))
    assert said(own, facts, template="mine") == "**＜@all>**\npage"


def test_blocks_within_loops_have_their_own_names(tmp_path):
    base = (
        "{% for n in [1, 2] %}{% set m = n * 2 %}{% block b scoped %}{% set x = n + m %}{{ x }}{% endblock %}{{ x }};"
        "{% endfor %}"
    )
    child = "{% extends 'mine/base.j2' %}{% block b %}<{{ super() }}{{ n }}{{ loop.index }}>{% endblock %}"
    assert said(files(tmp_path, mine__wecom_robot=base), template="mine") == "3;6;"
    own = files(tmp_path / "b", mine__base=base, mine__wecom_robot=child)
    assert said(own, template="mine") == "<311>;<622>;"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "{% extends 'mine/wecom_robot.j2' %}",
            "mine/wecom_robot.j2: there is no template shipped:mine/wecom_robot.j2",
        ),
        ("{% extends 'default/none.zh.j2' %}", "mine/wecom_robot.j2: there is no template default/none.zh.j2"),
        ("{% include '../../setup.j2' %}", "mine/wecom_robot.j2: there is no template ../../setup.j2"),
        ("{% include '/etc/passwd' %}", "mine/wecom_robot.j2: there is no template /etc/passwd"),
        (
            "{% include 'shipped:../../pyproject.toml' %}",
            "mine/wecom_robot.j2: there is no template shipped:../../pyproject.toml",
        ),
    ],
)
def test_what_there_is_not_is_named(tmp_path, text, fault):
    own = files(tmp_path, mine__wecom_robot=text)
    rendering = own.render(channel(template="mine"), batch(alert()), NOW)
    assert rendering.failed == fault
    assert "disk of db1 is full" in rendering.texts[0].body


def test_a_fault_in_a_parent_is_found_there(tmp_path):
    own = files(
        tmp_path,
        mine__base="\n{% block a %}{{ 1 // 0 }}{% endblock %}",
        mine__wecom_robot="{% extends 'mine/base.j2' %}",
    )
    assert [(fault.path, fault.line) for fault in own.check([channel(template="mine")])] == [("mine/base.j2", 2)]
