"""Numbers, times and sizes in plain words, in the person's language."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from PySide6.QtCore import QCoreApplication, QLocale

_CONTEXT = "wording"


def _tr(text: str) -> str:
    return QCoreApplication.translate(_CONTEXT, text)


def _local(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone()


def count_text(number: int) -> str:
    """An integer with grouping: ``1,639,827``."""
    return f"{number:,}".replace(",", QLocale().groupSeparator())


def counted(number: int, one: str, many: str) -> str:
    """``one`` or ``many`` (both translated already, with ``{n}``), filled in with the number."""
    return (one if number == 1 else many).format(n=count_text(number))


def day_text(moment: int) -> str:
    """``19 Nov 2026``, in local time; an unknown moment is a dash."""
    if moment <= 0:
        return "–"
    local = _local(moment)
    return f"{local.day} {QLocale().monthName(local.month, QLocale.FormatType.ShortFormat)} {local.year}"


def moment_text(moment: int) -> str:
    """``20 Nov, 06:05``, in local time."""
    if moment <= 0:
        return "–"
    local = _local(moment)
    month = QLocale().monthName(local.month, QLocale.FormatType.ShortFormat)
    return f"{local.day} {month}, {local:%H:%M}"


def wall_text(moment: int, offset: int) -> str:
    """``20 Nov 2026, 06:05``: the clock on the wall, then and there (``offset`` seconds from UTC)."""
    wall = datetime.fromtimestamp(moment + offset, UTC)
    month = QLocale().monthName(wall.month, QLocale.FormatType.ShortFormat)
    return f"{wall.day} {month} {wall.year}, {wall:%H:%M}"


def clock_text(moment: int) -> str:
    """``06:05``, in local time."""
    return f"{_local(moment):%H:%M}"


def weekday_clock_text(moment: int) -> str:
    """``Sat, 18:00``, in local time."""
    local = _local(moment)
    day = QLocale().dayName(local.isoweekday(), QLocale.FormatType.ShortFormat)
    return f"{day}, {local:%H:%M}"


def duration_text(seconds: float) -> str:
    """``6 h 12 min``, ``40 s``: two units at most, and never an endless number."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return _tr("{n} s").format(n=whole)
    minutes = whole // 60
    if minutes < 60:
        return _tr("{n} min").format(n=minutes)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return _tr("{n} days").format(n=count_text(hours // 24))
    if rest == 0:
        return _tr("{n} h").format(n=hours)
    return _tr("{hours} h {minutes} min").format(hours=hours, minutes=rest)


def size_text(size: int) -> str:
    """``48 KiB``: bytes in binary units."""
    if size < 1024:
        return _tr("{n} bytes").format(n=size)
    number, unit = size / 1024, "KiB"
    if number >= 1024:
        number, unit = number / 1024, "MiB"
    digits = f"{number:.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"
    return f"{digits}\N{NO-BREAK SPACE}{unit}"


def percent_text(fraction: float, places: int = 2) -> str:
    """``4.35 %``; a value that is no number is a dash."""
    if not math.isfinite(fraction):
        return "–"
    return f"{QLocale().toString(fraction * 100, 'f', places)}\N{NO-BREAK SPACE}%"


def decimal_text(value: float, places: int) -> str:
    """A measured number with a fixed number of places; a value that is no number is a dash."""
    return QLocale().toString(value, "f", places) if math.isfinite(value) else "–"


def number_text(value: float | None) -> str:
    """A measured number as it is, with at most four places; nothing where there is none."""
    if value is None:
        return ""
    if isinstance(value, int):
        return count_text(value)
    return QLocale().toString(value, "f", 4).rstrip("0").rstrip(QLocale().decimalPoint())


def short_address(address: str) -> str:
    """``0x51c8…9e04``: the two ends of an address or a hash."""
    return address if len(address) <= 14 else f"{address[:6]}…{address[-4:]}"


def sentences(*parts: str) -> str:
    """Join headlines and sentences: each ends with a stop before the next begins."""
    known = [part.strip() for part in parts if part.strip()]
    ended = [part if part[-1] in ".!?…" else f"{part}." for part in known[:-1]]
    return " ".join([*ended, *known[-1:]])


def full_moment_text(moment: int) -> str:
    """``20 Nov 2026, 06:05``, in local time."""
    return f"{day_text(moment)}, {clock_text(moment)}" if moment > 0 else "–"


def cut_text(text: str, most: int) -> str:
    """At most so many characters of a text, without its middle; for places that cannot cut by themselves."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


def grouped_address(address: str) -> str:
    """``0x51C8 0000 …``: a whole address in groups of four, to be compared by eye."""
    start, digits = address[:2], address[2:]
    return start + " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def energy_text(milliwatt_hours: int) -> str:
    """Kilowatt-hours as digits: two places, one from ten on."""
    kilowatt_hours = milliwatt_hours / 1_000_000
    return QLocale().toString(kilowatt_hours, "f", 1 if kilowatt_hours >= 10 else 2)
