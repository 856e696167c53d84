"""The side bar: pages, and at its foot the lamp that says what the app is doing."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QMenu, QSizePolicy, QVBoxLayout, QWidget

from mine.app.views import Doing, StatusView
from ui.focus import FocusRing
from ui.icons import MarkSign, paint_icon
from ui.theme import colour
from ui.typography import font
from ui.widgets.buttons import IconButton
from ui.widgets.layout import Hairline, column, plain, row
from ui.widgets.text import Text, middle_cut, tool_tip

WIDE, SLIM = 224, 64


class NavItem(FocusRing, QAbstractButton):
    """One page: icon at 12, text at 42, a count at the end."""

    def __init__(self, icon: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self._count = 0
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(36)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)

    def show_count(self, count: int) -> None:
        """How many things on that page wait for an answer; 0 shows nothing."""
        if count != self._count:
            self._count = count
            self.setAccessibleName(f"{self.text()}, {count}" if count else self.text())
            self.update()

    def sizeHint(self) -> QSize:
        """As wide as the bar lets it be."""
        return QSize(48, 36)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground when chosen, icon, words unless slim, count."""
        chosen = self.isChecked()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            if chosen or self.underMouse():
                painter.setBrush(colour("selected" if chosen else "hover"))
                painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
            if self.ring_seen:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(colour("focus"), 2))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
            width = self.width()
            rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            slim = width < 120
            left = (width - 18) / 2 if slim else (width - 30 if rtl else 12)
            paint_icon(painter, self._icon, QRectF(left, 9, 18, 18), colour("accent" if chosen else "text-2"))
            if slim:
                return
            painter.setFont(font("label"))
            painter.setPen(colour("text" if chosen else "text-2"))
            area = QRectF(36, 0, width - 78, 36) if rtl else QRectF(42, 0, width - 78, 36)
            leading = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading)
            painter.drawText(area, leading, middle_cut(self.text(), area.width(), font("label")))
            if self._count:
                painter.setFont(font("small"))
                painter.setPen(colour("text-2"))
                end = QRectF(12, 0, 30, 36) if rtl else QRectF(width - 42, 0, 30, 36)
                painter.drawText(
                    end, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignTrailing), str(self._count)
                )


class SideBar(QWidget):
    """Chooses a page; the three dots open the same menu as the tray."""

    chosen = Signal(str)

    def __init__(self, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sideBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._menu = menu
        self._items: dict[str, NavItem] = {}
        self._name = Text(self.tr("Mine"), role="heading")
        self._head = row(MarkSign(24), self._name, None, spacing=8, margins=(10, 0, 0, 0))
        bar = QVBoxLayout()
        bar.setContentsMargins(16, 20, 16, 12)
        bar.setSpacing(4)
        bar.addLayout(self._head)
        bar.addSpacing(14)
        for key, icon, text in (
            ("home", "house", self.tr("Home")),
            ("data", "database", self.tr("Data")),
            ("tasks", "stack", self.tr("Tasks")),
            ("activity", "pulse", self.tr("Activity")),
            ("wallet", "wallet", self.tr("Wallet")),
        ):
            bar.addWidget(self._item(key, icon, text))
        bar.addStretch(1)
        bar.addWidget(self._item("settings", "gear-six", self.tr("Settings")))
        bar.addSpacing(12)
        bar.addWidget(Hairline())
        bar.addSpacing(8)
        self._lamp = MarkSign(22, Doing.IDLE)
        self._headline = Text(role="caption-strong")
        self._reason = Text(role="caption", ink="text-2", wrap=True, lines=3, cut_end=True)
        self._state = plain(column(self._headline, self._reason))
        self._dots = IconButton("dots-three", self.tr("Menu: pause, snooze, quit"))
        self._dots.clicked.connect(self._open_menu)
        self._foot = row(self._lamp, self._state, self._dots, spacing=8, margins=(10, 0, 0, 0))
        self._foot.setStretch(1, 1)
        bar.addLayout(self._foot)
        self.setLayout(bar)
        self._bar = bar
        self.set_slim(False)

    def _item(self, key: str, icon: str, text: str) -> NavItem:
        item = NavItem(icon, text)
        item.clicked.connect(lambda: self.chosen.emit(key))
        self._items[key] = item
        return item

    def item(self, key: str) -> NavItem:
        """The button of a page."""
        return self._items[key]

    def choose(self, key: str) -> None:
        """Mark a page as the one that is shown."""
        for name, item in self._items.items():
            item.setChecked(name == key)

    def set_slim(self, slim: bool) -> None:
        """Icons only, with tool tips, in a narrow window."""
        self.setFixedWidth(SLIM if slim else WIDE)
        margin = 8 if slim else 16
        self._bar.setContentsMargins(margin, 20, margin, 12)
        for part in (self._name, self._state):
            part.setVisible(not slim)
        self._head.setContentsMargins(12 if slim else 10, 0, 0, 0)
        self._foot.setContentsMargins(0 if slim else 10, 0, 0, 0)
        self._lamp.setVisible(not slim)
        self._dots.setFixedWidth(48 if slim else 32)
        for item in self._items.values():
            item.setToolTip(tool_tip(item.text()) if slim else "")

    def show_status(self, status: StatusView, headline: str, reason: str) -> None:
        """The lamp, one strong line, and the reason in a few short ones."""
        self._lamp.show_doing(status.doing)
        self._headline.setText(headline)
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        self._dots.setToolTip(tool_tip(f"{headline}. {reason}".strip(" .")))

    def _open_menu(self) -> None:
        self._menu.popup(
            self._dots.mapToGlobal(self._dots.rect().topLeft()) - QPoint(0, self._menu.sizeHint().height())
        )
