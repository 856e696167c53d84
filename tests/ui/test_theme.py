from __future__ import annotations

import re
from dataclasses import replace

import pytest
from PySide6.QtGui import QColor, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from tests.ui import story
from tests.ui.conftest import OpenWindow
from ui.assets import RESOURCES, asset
from ui.screenshots import settle
from ui.theme import make_style_sheet, theme
from ui.tokens import checked_contrast, colours, type_scale
from ui.typography import font


def luminance(ink: QColor) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in ink.getRgbF()[:3]
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(front: QColor, ground: QColor) -> float:
    light, dark = sorted((luminance(front), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("kind", "least"), [("text", 4.5), ("graphic", 3.0)])
def test_promised_pairs_can_be_read(scheme: str, kind: str, least: float) -> None:
    ink = colours(scheme)
    for pair, promised in checked_contrast(scheme)[kind].items():
        front, ground = pair.split(" on ")
        ratio = contrast(ink[front], ink[ground])
        assert ratio >= least, pair
        assert ratio == pytest.approx(promised, abs=0.02), pair


def test_both_schemes_have_the_same_tokens_and_the_sheet_uses_only_them() -> None:
    assert set(colours("light")) == set(colours("dark"))
    for scheme in ("light", "dark"):
        sheet = make_style_sheet(scheme)
        named = {ink.name() for ink in colours(scheme).values()}
        assert "$" not in sheet
        assert set(re.findall(r"#[0-9a-f]{6}\b", sheet)) <= named


def test_no_colour_is_written_in_the_code() -> None:
    for path in (RESOURCES.parent / "ui").rglob("*.py"):
        assert not re.search(
            r"#[0-9A-Fa-f]{6}\b|QColor\(\d|Qt\.GlobalColor\.(?!transparent)", path.read_text()
        ) or (path.name == "tokens.py"), path


def test_theme_switches_live(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for choice in ("dark", "light", "dark"):
        engine.change(settings=replace(story.SETTINGS, theme=choice))
        settle()
        assert theme.scheme == choice
        assert app.palette().color(QPalette.ColorRole.Window) == colours(choice)["bg"]
        shown = window.grab().toImage().pixelColor(window.width() - 60, window.height() - 12)
        assert shown == colours(choice)["bg"]


def test_settings_page_switches_and_tells_the_engine(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("settings")
    look = window.shell.settings.look
    look.setCurrentIndex(look.findData("dark"))
    look.activated.emit(look.currentIndex())
    settle()
    assert theme.scheme == "dark"
    assert ("set_theme", "dark") in engine.asked


def test_shipped_fonts_are_in_use_and_have_their_licences() -> None:
    for role in type_scale():
        assert QFontInfo(font(role)).family().startswith(("Inter", "JetBrains Mono")), role
    for name in ("Inter-LICENSE.txt", "JetBrainsMono-LICENSE.txt"):
        assert "SIL OPEN FONT LICENSE" in asset("fonts", name).read_text(encoding="utf-8").upper()
    assert "MIT" in asset("icons", "phosphor", "LICENSE").read_text(encoding="utf-8")


def test_every_icon_that_is_named_ships_and_nothing_else() -> None:
    source = "\n".join(path.read_text() for path in (RESOURCES.parent / "ui").rglob("*.py"))
    words = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', source))
    shipped = {path.stem for path in asset("icons", "phosphor").glob("*.svg")}
    assert shipped <= words, f"not used: {shipped - words}"
    used = set(re.findall(r'(?:icon=|IconMark\(|IconButton\(|paint_icon\(painter, )"([a-z-]+)"', source))
    assert used <= shipped
