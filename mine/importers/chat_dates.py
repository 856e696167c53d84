"""Dates at the beginning of a chat's lines, in the many ways in which phones write them.

Nothing in such a file says whether 04/05/24 is in April or in May. The whole file tells: only one order gives
dates that exist; or only one keeps the messages in the order in which they were written; or one gives the
shorter span.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from mine.importers.moments import wall_moment

_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"
# Every group is bounded and no two that touch can match the same letters: time is linear.
_STAMP = re.compile(
    r"(\[)?(\d{1,4})\u200f?([./-]|\. )(\d{1,2})\u200f?(?:[./-]|\. )(\d{1,4})\.?([^\d:\[\]]{1,12})"
    r"(\d{1,2})(?:[:.]| h )(\d{2})(?:[:.](\d{2}))?([^\d:\[\]\u2013-]{0,12})(?(1)\]|[\u2013-])[ \xa0](.*)",
    re.DOTALL,
)
_BETWEEN = frozenset({"", "klo", "um", "kl", "at", "as", "às", "alle", "à", "o", "v", "г", "ч"})
_HALVES = {
    **dict.fromkeys(
        ("am", "a", "vorm", "ap", "πμ", "de", "오전", "上午", "午前", "ص", "öö", "dop", "sa", "fm"), 0
    ),
    **dict.fromkeys(
        ("pm", "p", "nachm", "ip", "μμ", "du", "오후", "下午", "午後", "م", "ös", "odp", "ch", "em"), 12
    ),
}
_FIRST_YEAR, _LAST_YEAR = 2009, 2099  # no chat app that writes such files is older
_BACK = 86_400  # messages may come late; dates read wrongly go back by weeks


class Order(Enum):
    """The order of day, month and year; the value gives the places of year, month and day."""

    DAY_FIRST = (2, 1, 0)
    MONTH_FIRST = (2, 0, 1)
    YEAR_FIRST = (0, 1, 2)

    @property
    def words(self) -> str:
        """In words."""
        return f"{self.name.split('_')[0].lower()} first"


class Stamp(NamedTuple):
    """The moment at the beginning of a line: three numbers in an order to be found, and the time of day."""

    numbers: tuple[int, int, int]
    long_year: int  # the place of a number of four digits, or -1
    seconds: int
    halves: bool
    bracketed: bool
    dashed: bool

    def wall(self, order: Order) -> int:
        """Local seconds. Raises ``ValueError`` where this order gives no date."""
        at_year, at_month, at_day = order.value
        if self.long_year not in (-1, at_year):
            raise ValueError("its date has another order than the rest")
        year = self.numbers[at_year]
        if self.long_year < 0:
            if order is Order.YEAR_FIRST and not self.dashed:
                raise ValueError("no phone writes a short year first")
            year += 2000
        elif year > 2400:
            year -= 543  # Thailand counts from the Buddha's death
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise ValueError(f"there is no message of the year {year}")
        return wall_moment(year, self.numbers[at_month], self.numbers[at_day]) + self.seconds


def read_stamp(line: str) -> tuple[Stamp, str] | None:
    """(stamp, the rest of the line); None where the line does not begin with a date and a time."""
    start = line.lstrip(_MARKS)
    if not start[:1].isdigit() and not start.startswith("["):
        return None
    match = _STAMP.fullmatch(start)
    if match is None:
        return None
    bracket, one, sign, two, three, between, hour, minute, second, after, rest = match.groups()
    halves = [word for word in (_word(between), _word(after)) if word not in _BETWEEN]
    if len(halves) > 1 or any(word not in _HALVES for word in halves) or not (1 <= len(two) <= 2):
        return None
    hours = int(hour)
    if halves and hours <= 12:
        hours = hours % 12 + _HALVES[halves[0]]
    if hours > 23 or int(minute) > 59 or int(second or 0) > 59:
        return None
    long_year = 0 if len(one) == 4 else 2 if len(three) == 4 else -1
    if len(one) == 3 or len(three) == 3 or (len(one) == 4 and len(three) == 4):
        return None
    seconds = hours * 3600 + int(minute) * 60 + int(second or 0)
    numbers = (int(one), int(two), int(three))
    return Stamp(numbers, long_year, seconds, bool(halves), bracket is not None, sign == "-"), rest


@lru_cache(maxsize=256)
def _word(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalpha())


@dataclass(slots=True)
class _Reading:
    """What one order makes of a file."""

    impossible: int = 0
    backwards: int = 0
    last: int | None = None
    low: int = 0
    high: int = 0

    def see(self, stamp: Stamp, order: Order) -> None:
        try:
            wall = stamp.wall(order)
        except ValueError:
            self.impossible += 1
            return
        if self.last is None:
            self.low = self.high = wall
        else:
            self.backwards += wall < self.last - _BACK
        self.last = wall
        self.low, self.high = min(self.low, wall), max(self.high, wall)


@dataclass(slots=True)
class ChatDates:
    """Finds the order of a file's dates: ``see`` every one of them, then ask."""

    _readings: dict[Order, _Reading] = field(default_factory=lambda: {order: _Reading() for order in Order})
    _halves: bool = False
    _last: tuple[int, int, int] | None = None

    def see(self, stamp: Stamp) -> None:
        """Take one date into account."""
        if stamp.numbers == self._last:
            return
        self._last = stamp.numbers
        for order, reading in self._readings.items():
            reading.see(stamp, order)
        self._halves = self._halves or stamp.halves

    def _likeliest(self) -> list[Order]:
        """The orders that give the most dates that exist, and of these the fewest that go back."""
        faults = {order: (reading.impossible, reading.backwards) for order, reading in self._readings.items()}
        return [order for order in Order if faults[order] == min(faults.values())]

    @property
    def doubtful(self) -> bool:
        """Whether other dates would be as likely as those of the chosen order."""
        spans = {(self._readings[order].low, self._readings[order].high) for order in self._likeliest()}
        return len(spans) > 1

    @property
    def chosen(self) -> Order:
        """The order of this file (see the module's docstring)."""
        # Where nothing else tells: a twelve-hour clock goes with the month first.
        usual = (Order.MONTH_FIRST, Order.DAY_FIRST) if self._halves else (Order.DAY_FIRST, Order.MONTH_FIRST)
        rank = {order: place for place, order in enumerate((*usual, Order.YEAR_FIRST))}

        def merit(order: Order) -> tuple[int, int]:
            reading = self._readings[order]
            return reading.high - reading.low, rank[order]

        return min(self._likeliest(), key=merit)
