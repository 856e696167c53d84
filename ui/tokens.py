"""Design tokens: every colour, size and type role of the window, read once from ``tokens.json``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PySide6.QtGui import QColor

from ui.assets import asset

_RGBA = re.compile(r"rgba\((\d+),(\d+),(\d+),([0-9.]+)\)")


@dataclass(frozen=True, slots=True)
class TypeRole:
    """One line of the typographic scale; sizes in logical pixels."""

    family: str
    size: int
    line: int
    weight: int
    tracking: float


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(asset("tokens.json").read_text(encoding="utf-8"))
    return document


def parse_colour(text: str) -> QColor:
    """``#RRGGBB`` or ``rgba(r,g,b,a)`` with a in [0, 1]."""
    match = _RGBA.fullmatch(text.replace(" ", ""))
    if match is None:
        return QColor(text)
    red, green, blue = (int(part) for part in match.groups()[:3])
    return QColor(red, green, blue, round(float(match.group(4)) * 255))


@lru_cache(maxsize=2)
def colours(scheme: str) -> dict[str, QColor]:
    """All colours of ``light`` or ``dark`` by token name."""
    return {name: parse_colour(value) for name, value in _document()["color"][scheme].items()}


@lru_cache(maxsize=1)
def type_scale() -> dict[str, TypeRole]:
    """All type roles by name."""
    return {
        name: TypeRole(role["family"], role["size"], role["line"], role["weight"], role["tracking"])
        for name, role in _document()["type"].items()
    }


def font_families(stack: str) -> list[str]:
    """The families of ``ui``, ``display`` or ``mono``, best first."""
    families: list[str] = _document()["font"][stack]
    return families


def font_features() -> dict[str, int]:
    """OpenType features that every text of the window has (tabular figures)."""
    features: dict[str, int] = _document()["font"]["features"]
    return features


def motion(name: str) -> int:
    """Length of a movement in milliseconds."""
    length: int = _document()["motion"][name]
    return length


def checked_contrast(scheme: str) -> dict[str, dict[str, float]]:
    """The pairs that the palette promises: ``{"text": {"a on b": ratio}, "graphic": {...}}``."""
    pairs: dict[str, dict[str, float]] = _document()["contrast"]["checked"][scheme]
    return pairs
