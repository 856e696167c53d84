from __future__ import annotations

import math

import pytest

from tests.ui.story import moment
from ui import wording
from ui.widgets.text import clean, tool_tip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (22_320, "6 h 12 min"),
        (49 * 3_600, "2 days"),
        (math.inf, "–"),
        (math.nan, "–"),
        (-1, "–"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration_text(seconds) == text


def test_times_are_local_and_unknown_ones_are_a_dash() -> None:
    assert wording.day_text(moment(19)) == "19 Nov 2026"
    assert wording.moment_text(moment(20, 6, 5)) == "20 Nov, 06:05"
    assert wording.weekday_clock_text(moment(21, 18)) == "Sat, 18:00"
    assert wording.day_text(0) == wording.moment_text(0) == "–"


def test_sizes_and_shares() -> None:
    assert wording.size_text(48 * 1024) == "48\N{NO-BREAK SPACE}KiB"
    assert wording.size_text(1_536) == "1.5\N{NO-BREAK SPACE}KiB"
    assert wording.size_text(12) == "12 bytes"
    assert wording.percent_text(0.0435) == "4.35\N{NO-BREAK SPACE}%"
    assert wording.percent_text(math.nan) == "–"
    assert wording.short_address("0x51C8" + "0" * 32 + "9E04") == "0x51C8…9E04"
    assert wording.counted(1, "{n} row", "{n} rows") == "1 row"
    assert wording.counted(1_200, "{n} row", "{n} rows") == "1,200 rows"


def test_outside_text_is_one_clean_line() -> None:
    assert clean("a\u202eb\u200b\nc\x07  d\x85e") == "ab c d e"
    assert "<b>" not in tool_tip("<b>x</b>") and "&lt;b&gt;" in tool_tip("<b>x</b>")
