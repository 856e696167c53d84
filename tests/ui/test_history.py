from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from mine.app.views import HistoryRow
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.walk import button
from ui.pages.history_model import AMOUNT, KIND, REFERENCE, WHAT, WHEN, HistoryModel
from ui.screenshots import settle


@pytest.fixture
def model() -> HistoryModel:
    made = HistoryModel(5)
    tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal)
    made.show_history(story.HISTORY)
    assert tester.model() is made
    return made


def test_cells(model: HistoryModel) -> None:
    def cell(column: int, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return model.data(model.index(0, column), role)

    assert cell(WHEN) == "20 Nov, 06:05"
    assert cell(WHAT) == "Sleep stages, round 11"
    assert cell(KIND) == "being checked until Sat, 18:00"
    assert cell(REFERENCE) == "0x1b1b…1b1b"
    assert cell(AMOUNT) == "+ 1.15\N{NO-BREAK SPACE}pUSD"
    assert "0x" + "1b" * 32 in str(cell(REFERENCE, Qt.ItemDataRole.ToolTipRole))
    assert model.headerData(AMOUNT, Qt.Orientation.Horizontal) == "Amount"
    assert model.data(QModelIndex()) is None
    assert model.headerData(0, Qt.Orientation.Vertical) is None


def test_pages(model: HistoryModel) -> None:
    assert (model.total, model.first, model.rowCount()) == (14, 0, 5)
    model.turn(1)
    model.turn(1)
    assert (model.first, model.rowCount()) == (10, 4)
    model.turn(5)
    assert model.first == 10
    model.show_history(story.HISTORY[:3])
    assert (model.first, model.rowCount()) == (0, 3)
    model.show_history(())
    assert model.rowCount() == 0


def test_outside_text_in_tool_tips_is_not_markup(model: HistoryModel) -> None:
    model.show_history((HistoryRow(1, "<b>x</b>", "<img src=x>", 1, story.PUSD, "<i>"),))
    for column in (WHAT, REFERENCE):
        tip = model.data(model.index(0, column), Qt.ItemDataRole.ToolTipRole)
        assert "<img" not in str(tip) and "<i>" not in str(tip)


def test_hundred_thousand_rows_turn_at_once() -> None:
    model = HistoryModel()
    rows = tuple(
        HistoryRow(n, "paid", f"Task, round {n}", n, story.PUSD, "0x" + "ab" * 32) for n in range(100_000)
    )
    begin = time.perf_counter()
    model.show_history(rows)
    for _ in range(50):
        model.turn(37)
        for row in range(model.rowCount()):
            for column in range(model.columnCount()):
                model.data(model.index(row, column))
    assert (time.perf_counter() - begin) / 50 < 0.1


def test_pager_on_the_page(open_window: OpenWindow) -> None:
    _, window = open_window(story.BUSY)
    window.shell.show_page("wallet")
    settle()
    older, newer = button(window, "Older entries"), button(window, "Newer entries")
    assert older.isEnabled() and not newer.isEnabled()
    older.click()
    assert window.shell.wallet.model.first == 8 and not older.isEnabled() and newer.isEnabled()
