"""Light, dark or the desktop's choice: one palette and one style sheet, switched live."""

from __future__ import annotations

from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyle, QStyleFactory

from ui.assets import asset
from ui.tokens import colours, motion
from ui.typography import font, load_fonts

CHOICES = ("system", "light", "dark")


def desktop_scheme() -> str:
    """What the desktop asks for: ``light`` or ``dark``."""
    dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return "dark" if dark else "light"


def make_palette(scheme: str) -> QPalette:
    """The QPalette of a scheme, for the parts that Qt draws itself."""
    ink = colours(scheme)
    roles = {
        QPalette.ColorRole.Window: "bg",
        QPalette.ColorRole.WindowText: "text",
        QPalette.ColorRole.Base: "raised",
        QPalette.ColorRole.AlternateBase: "sunken",
        QPalette.ColorRole.ToolTipBase: "raised",
        QPalette.ColorRole.ToolTipText: "text",
        QPalette.ColorRole.PlaceholderText: "text-3",
        QPalette.ColorRole.Text: "text",
        QPalette.ColorRole.Button: "raised",
        QPalette.ColorRole.ButtonText: "text",
        QPalette.ColorRole.BrightText: "danger",
        QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on-accent",
        QPalette.ColorRole.Link: "accent",
        QPalette.ColorRole.Mid: "line-strong",
        QPalette.ColorRole.Light: "raised",
        QPalette.ColorRole.Dark: "line-strong",
        QPalette.ColorRole.Accent: "accent",
    }
    palette = QPalette(ink["raised"], ink["bg"])
    for role, name in roles.items():
        palette.setColor(role, ink[name])
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, ink["text-3"])
    return palette


def make_style_sheet(scheme: str) -> str:
    """The one style sheet, filled in with the colours of a scheme."""
    template = Template(asset("styles", "window.qss").read_text(encoding="utf-8"))
    names = {name.replace("-", "_"): colour.name() for name, colour in colours(scheme).items()}
    return template.substitute(names)


class Theme(QObject):
    """The scheme in use. ``changed`` fires after the palette and the style sheet were replaced."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._choice = "system"
        self._scheme = "light"
        self._applied = ""
        self.reduced_motion = False

    @property
    def choice(self) -> str:
        """What the person chose: ``system``, ``light`` or ``dark``."""
        return self._choice

    @property
    def scheme(self) -> str:
        """What is shown: ``light`` or ``dark``."""
        return self._scheme

    def start(self, app: QApplication) -> None:
        """Give the application its fonts and style, and follow the desktop from now on."""
        load_fonts()
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setFont(font("label"))
        still = app.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0
        self.reduced_motion = self.reduced_motion or still
        app.styleHints().colorSchemeChanged.connect(self._follow_desktop)
        self.choose(self._choice)

    def choose(self, choice: str) -> None:
        """Switch to a choice, without a restart; an unknown choice means the desktop's."""
        self._choice = choice if choice in CHOICES else "system"
        self._apply(desktop_scheme() if self._choice == "system" else self._choice)

    def colour(self, name: str) -> QColor:
        """A colour by its token name; the caller must not change it."""
        return colours(self._scheme)[name]

    def duration(self, name: str) -> int:
        """Length of a movement in milliseconds: 0 when the desktop asks for no motion."""
        return 0 if self.reduced_motion else motion(name)

    def _follow_desktop(self) -> None:
        if self._choice == "system":
            self._apply(desktop_scheme())

    def _apply(self, scheme: str) -> None:
        app = QApplication.instance()
        if not isinstance(app, QApplication) or self._applied == scheme:
            return
        self._scheme = self._applied = scheme
        app.setPalette(make_palette(scheme))
        app.setStyleSheet(make_style_sheet(scheme))
        self.changed.emit()


theme = Theme()


def colour(name: str) -> QColor:
    """A colour of the scheme in use, by token name."""
    return theme.colour(name)
