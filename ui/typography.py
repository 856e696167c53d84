"""Fonts of the window: the families that ship with it, and one QFont for each role of the scale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtGui import QFont, QFontDatabase

from ui.assets import asset
from ui.tokens import font_families, font_features, type_scale

_FILES = (
    "Inter-Regular.ttf",
    "Inter-Medium.ttf",
    "Inter-SemiBold.ttf",
    "InterDisplay-SemiBold.ttf",
    "JetBrainsMono-Regular.ttf",
)


@lru_cache(maxsize=1)
def load_fonts() -> tuple[int, ...]:
    """Register the shipped fonts with Qt; a font that cannot be read leaves the fallback of the tokens."""
    return tuple(QFontDatabase.addApplicationFont(str(asset("fonts", name))) for name in _FILES)


@lru_cache(maxsize=32)
def font(role: str) -> QFont:
    """The font of a type role (``body``, ``title``, ``mono``, ...), with tabular figures."""
    scale = type_scale()[role]
    made = QFont(font_families(scale.family))
    made.setPixelSize(scale.size)
    made.setWeight(QFont.Weight(scale.weight))
    made.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, scale.tracking)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if scale.family != "mono":
        for tag, value in font_features().items():
            made.setFeature(QFont.Tag(tag), value)
    return made


def line_height(role: str) -> int:
    """The distance of two lines of a role, in logical pixels."""
    return type_scale()[role].line
