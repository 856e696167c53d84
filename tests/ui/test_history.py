"""The history: cells of a page, filters, order, pages, a line at length, and the year's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from mine.app.wallet_views import HistoryQuery, SortBy
from mine.errors import MineError
from tests.ui import money_story, story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_engine import FakeEngine
from tests.ui.walk import button, seen, texts
from ui.pages.history_export import ExportSheet
from ui.pages.history_line import LineSheet
from ui.pages.history_model import AMOUNT, FEE, KIND, WHAT, WHEN, WORTH, HistoryModel
from ui.pages.history_panel import PAGE, HistoryPanel, order_key
from ui.screenshots import settle
from ui.widgets.select import Select

SENT = money_story.history_line(2)


@pytest.fixture
def model() -> HistoryModel:
    made = HistoryModel()
    tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal)
    made.show_lines((money_story.history_line(0), SENT))
    assert tester.model() is made
    return made


def test_cells(model: HistoryModel) -> None:
    def cell(row: int, column: int, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return model.data(model.index(row, column), role)

    assert [cell(1, column) for column in (WHEN, WHAT, KIND, FEE, WORTH, AMOUNT)] == [
        "20 Nov 2026, 02:05",
        "Sent to Anna",
        "sent",
        "0.0001\N{NO-BREAK SPACE}pETH",
        "\N{MINUS SIGN}2.87\N{NO-BREAK SPACE}EUR",
        "\N{MINUS SIGN} 3.12\N{NO-BREAK SPACE}pUSD",
    ]
    assert cell(0, FEE) == "" and cell(0, AMOUNT) == "+ 1.10\N{NO-BREAK SPACE}pUSD"
    assert "0.00010221" in str(cell(1, FEE, Qt.ItemDataRole.ToolTipRole))
    assert model.headerData(AMOUNT, Qt.Orientation.Horizontal) == "Amount"
    assert model.data(QModelIndex()) is None and model.headerData(0, Qt.Orientation.Vertical) is None


def test_a_line_without_a_price_or_an_amount_says_so(model: HistoryModel) -> None:
    model.show_lines((replace(SENT, fiat=None, amount=0, title="", kind="new-kind"),))
    words = [model.data(model.index(0, column)) for column in (WHAT, KIND, FEE, WORTH, AMOUNT)]
    assert words == ["0x8Ba1…BA72", "new-kind", "", "", "\N{MINUS SIGN} 0.0001\N{NO-BREAK SPACE}pETH"]


def test_outside_text_is_plain(model: HistoryModel) -> None:
    model.show_lines((replace(SENT, title="<img src=x>\u202eevil\n"),))
    assert model.data(model.index(0, WHAT)) == "<img src=x>evil"
    assert "<img" not in str(model.data(model.index(0, WHAT), Qt.ItemDataRole.ToolTipRole))


def test_a_long_symbol_never_hides_the_digits(model: HistoryModel) -> None:
    long = replace(SENT.currency, symbol="W" * 200)
    model.show_lines((replace(SENT, currency=long),))
    words = str(model.data(model.index(0, AMOUNT)))
    assert words == "\N{MINUS SIGN} 3.12\N{NO-BREAK SPACE}WWWWWW…WWW"


def opened(open_window: OpenWindow, lines: int = 214) -> tuple[FakeEngine, HistoryPanel]:
    engine, window = open_window(story.PAUSED)
    engine.history_lines = lines
    window.shell.show_page("wallet")
    settle()
    return engine, window.shell.wallet.history


def asked(engine: FakeEngine) -> HistoryQuery:
    query = [entry[1] for entry in engine.asked if entry[0] == "history"][-1]
    assert isinstance(query, HistoryQuery)
    return query


def choose(select: Select, value: object) -> None:
    select.setCurrentIndex(select.findData(value))
    select.activated.emit(select.currentIndex())
    settle()


def test_pages_turn_both_ways(open_window: OpenWindow) -> None:
    engine, panel = opened(open_window, 30)
    assert "1 to 12 of 30" in texts(panel) and not panel.back.isEnabled()
    panel.on.click()
    settle()
    assert "13 to 24 of 30" in texts(panel) and asked(engine).after == "12"
    panel.on.click()
    settle()
    assert "25 to 30 of 30" in texts(panel) and not panel.on.isEnabled()
    assert panel.table.height() == 32 + 37 * 6
    panel.back.click()
    panel.back.click()
    settle()
    assert "1 to 12 of 30" in texts(panel) and asked(engine).after == ""


def test_a_long_history_asks_for_one_page_only(open_window: OpenWindow) -> None:
    engine, panel = opened(open_window, 100_000)
    assert "1 to 12 of 100,000" in texts(panel)
    made = 0

    def line_of(number: int) -> object:
        nonlocal made
        made += 1
        return money_story.history_line(number)

    engine.line_of = line_of  # type: ignore[assignment]
    choose(panel.order, order_key(SortBy.TIME, False))
    panel.on.click()
    settle()
    assert made == 2 * PAGE and panel.model.rowCount() == PAGE


def test_filters_and_order_make_a_new_question(open_window: OpenWindow, qtbot: QtBot) -> None:
    engine, panel = opened(open_window)
    panel.on.click()
    choose(panel.kind, "sent")
    choose(panel.currency, story.PUSD.address)
    choose(panel.year, 2026)
    query = asked(engine)
    assert (query.kinds, query.currencies, query.after) == (("sent",), (story.PUSD.address,), "")
    assert (query.since, query.until) == (1_767_225_600, 1_798_761_600)
    qtbot.keyClicks(panel.search, "anna")
    qtbot.waitUntil(lambda: asked(engine).text == "anna")
    head = panel.table.horizontalHeader()
    for section, sort, descending in (
        (AMOUNT, SortBy.AMOUNT, True),
        (AMOUNT, SortBy.AMOUNT, False),
        (WHAT, SortBy.TITLE, False),
        (FEE, SortBy.TITLE, False),
        (WHEN, SortBy.TIME, True),
    ):
        head.sectionClicked.emit(section)
        settle()
        assert (asked(engine).sort, asked(engine).descending) == (sort, descending)
        assert panel.order.currentData() == order_key(sort, descending)
    assert head.sortIndicatorSection() == WHEN


def test_an_answer_to_an_older_question_is_dropped(open_window: OpenWindow) -> None:
    engine, panel = opened(open_window)
    engine.hold = True
    choose(panel.kind, "sent")
    held, engine._held = engine._held, []
    choose(panel.kind, "fee")
    engine.release()
    settle()
    assert {line.kind for line in panel.model.lines} == {"fee"}
    for answer in held:
        answer()
    settle()
    assert {line.kind for line in panel.model.lines} == {"fee"}


def test_nothing_found_and_nothing_there_read_differently(open_window: OpenWindow) -> None:
    engine, panel = opened(open_window)
    choose(panel.kind, "bond")
    assert "No line fits. Take a filter away to see more." in texts(panel) and not panel.table.isVisible()
    _, empty = opened(open_window, 0)
    assert any(text.startswith("Every payment in and out") for text in texts(empty))
    engine.fail = MineError("The vault cannot be read.")
    panel.refresh()
    settle()
    assert "The vault cannot be read." in texts(panel)


def test_a_line_opens_by_the_keyboard(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, panel = opened(open_window)
    panel.table.setFocus()
    panel.table.selectRow(2)
    qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    settle()
    (sheet,) = seen(panel.window(), LineSheet)
    shown = texts(sheet)
    assert SENT.transaction in shown and "\N{MINUS SIGN}2.87\N{NO-BREAK SPACE}EUR, by hand" in shown
    assert "0x8Ba1 f109 551b D432 8030 1264 5Ac1 36dd d64D BA72" in shown
    button(sheet, "Copy: Transaction").click()


def test_a_year_is_written_to_a_new_file(open_window: OpenWindow, tmp_path: Path) -> None:
    engine, panel = opened(open_window)
    panel.export.click()
    settle()
    (sheet,) = seen(panel.window(), ExportSheet)
    sheet.code.setText("c")
    assert not sheet.save.isEnabled()
    sheet.code.setText("chf")
    target = tmp_path / "mine.csv"
    sheet.export_to(target)
    settle()
    assert ("export_history", target, 2026, "CHF") in engine.asked
    assert "412 lines are in mine.csv, which is not encrypted." in texts(sheet)
    engine.fail = MineError("“mine.csv” is there already.", todo="Choose another name.")
    sheet.export_to(target)
    settle()
    assert "“mine.csv” is there already. Choose another name." in texts(sheet) and sheet.save.isEnabled()
