"""`python -m benchmarks.picture FILE`: a storm of 1,000 alerts to one robot, drawn as it was told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from leaping import run
from storm_account import Account, Told
from storm_bodies import One
from storms import NOW, Storm, robot

from benchmarks.storm import Size
from receiver import logs

SIZE = Size(1_000, 30)
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 860, 360, 60, 30, 70
COLOURS = {"full": "#1a7f4b", "line": "#d98e04", "count": "#8a94a6"}
_UNTIL = 80.0


async def _told(folder: Path) -> list[Told]:
    async with Storm(folder, robot()) as storm:
        await storm.rain(map(One, range(SIZE.alerts)), SIZE.seconds)
        await storm.over()
        account = Account(storm)
        account.check()
        return account.told


def drawn(told: Sequence[Told]) -> str:
    """The picture as SVG: alerts over seconds, what had come in, and what had been told and how fully."""
    shapes = [*_axes(), *_areas(told), _line([(one.owed.arrived - NOW) for one in told]), *_messages(told), *_legend()]
    font = 'font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {font}>'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return "\n".join([head, ground, *shapes, "</svg>\n"])


def _x(seconds: float) -> float:
    return round(LEFT + (WIDTH - LEFT - 20) * seconds / _UNTIL, 1)


def _y(alerts: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * alerts / SIZE.alerts, 1)


def _axes() -> list[str]:
    seconds = [
        f'<text x="{_x(at)}" y="{HEIGHT - 18}" text-anchor="middle" fill="#555">{at} s</text>'
        for at in range(0, 81, 10)
    ]
    alerts = [
        f'<text x="{LEFT - 8}" y="{_y(number) + 4}" text-anchor="end" fill="#555">{number:,}</text>'
        f'<path d="M{LEFT} {_y(number)}H{WIDTH - 20}" stroke="#e5e8ee"/>'
        for number in range(0, SIZE.alerts + 1, 250)
    ]
    return [*alerts, *seconds]


def _areas(told: Sequence[Told]) -> list[str]:
    """What had been told, one level of detail upon the other."""
    times = sorted({round(one.at - NOW, 2) for one in told})
    below = dict.fromkeys((0.0, *times, _UNTIL), 0)
    shapes = []
    for detail, colour in COLOURS.items():
        ends = sorted(one.at - NOW for one in told if one.detail == detail)
        above = {at: below[at] + sum(end <= at + 0.01 for end in ends) for at in below}
        path = " ".join([*_steps(above), *_steps(below)[::-1]])
        shapes.append(f'<polygon points="{path}" fill="{colour}" fill-opacity="0.75"/>')
        below = above
    return shapes


def _steps(heights: dict[float, int]) -> list[str]:
    points, before = [], 0
    for at, height in heights.items():
        points += [f"{_x(at)},{_y(before)}", f"{_x(at)},{_y(height)}"]
        before = height
    return points


def _line(arrivals: Sequence[float]) -> str:
    points = " ".join(f"{_x(at)},{_y(number)}" for number, at in enumerate(sorted(arrivals)) if number % 20 == 0)
    points += f" {_x(max(arrivals))},{_y(SIZE.alerts)} {_x(_UNTIL)},{_y(SIZE.alerts)}"
    return f'<polyline points="{points}" fill="none" stroke="#c0362c" stroke-width="2"/>'


def _messages(told: Sequence[Told]) -> list[str]:
    """A tick a message, in the colour of its least detail."""
    levels = list(COLOURS)
    posts: dict[int, tuple[float, str]] = {}
    for one in told:
        at, detail = posts.get(one.post, (one.at - NOW, "full"))
        posts[one.post] = at, max(detail, one.detail, key=levels.index)
    top, bottom = HEIGHT - BOTTOM + 10, HEIGHT - BOTTOM + 28
    return [
        f'<path d="M{_x(at)} {top}V{bottom}" stroke="{COLOURS[detail]}" stroke-width="2"/>'
        for at, detail in posts.values()
    ]


def _legend() -> list[str]:
    words = (("#c0362c", "came in"), *((COLOURS[level], f"told: {level}") for level in COLOURS))
    legend = [
        f'<rect x="{LEFT + 130 * place}" y="8" width="12" height="12" fill="{colour}"/>'
        f'<text x="{LEFT + 130 * place + 18}" y="18">{text}</text>'
        for place, (colour, text) in enumerate(words)
    ]
    return [*legend, f'<text x="{LEFT - 8}" y="{HEIGHT - BOTTOM + 24}" text-anchor="end" fill="#555">messages</text>']


if __name__ == "__main__":
    logs.configure("error")
    with TemporaryDirectory() as place:
        Path(sys.argv[1]).write_text(drawn(run(_told(Path(place)))), encoding="utf-8")
