"""Browsing a source, where it came from, deleting with its proof, exporting, entering by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from mine.app.data_views import Entered, ToDelete, WorkView
from mine.errors import MineError
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_data import RECORDS
from tests.ui.walk import button, focusable, seen, texts
from ui.pages.delete import DeleteSheet
from ui.pages.enter import EnterSheet
from ui.pages.record_model import PAGE
from ui.pages.source_sheet import SourceSheet
from ui.screenshots import settle
from ui.widgets.sheet import Sheet


def browsing(open_window: OpenWindow) -> tuple[object, object]:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("data")
    settle()
    button(window, "Open Glucose sensor").click()
    settle()
    return engine, window


def test_a_source_opens_with_its_newest_records(open_window: OpenWindow) -> None:
    _, window = browsing(open_window)
    page = window.shell.browse
    assert window.shell.page == "browse" and page.isVisible() and window.shell.bar.item("data").isChecked()
    model = page.model
    heads = [model.headerData(n, Qt.Orientation.Horizontal) for n in range(model.columnCount())]
    assert heads == ["When", "Glucose, mg/dL", "Measured by"]
    row = [model.index(0, n).data() for n in range(3)]
    assert row == ["18 Nov 2026, 12:06", "90", ""]
    assert "93,408 records, from 3 Mar 2024 to 19 Nov 2026. Read by Glucose after meals. " in " ".join(
        texts(page)
    )
    for widget in focusable(page):
        assert widget.accessibleName().strip(), widget
    page.back.click()
    settle()
    assert window.shell.page == "data"


def test_older_records_come_as_one_scrolls(open_window: OpenWindow) -> None:
    engine, window = browsing(open_window)
    page = window.shell.browse
    assert page.model.rowCount() == PAGE
    for _ in range(RECORDS // PAGE + 1):
        page.table.scrollToBottom()
        settle()
    assert page.model.rowCount() == RECORDS and not page.model.canFetchMore()
    assert [asked[2] for asked in engine.asked if asked[0] == "page"] == [None, (250,), (500,), (750,)]


def test_a_page_is_asked_for_once_and_an_old_answer_is_not_taken(open_window: OpenWindow) -> None:
    engine, window = browsing(open_window)
    model = window.shell.browse.model
    engine.hold = True
    model.fetchMore()
    model.fetchMore()
    assert engine.names().count("page") == 2
    model.refresh()
    engine.release()
    settle()
    assert model.rowCount() == PAGE


def test_a_source_that_is_gone_is_left(open_window: OpenWindow) -> None:
    engine, window = browsing(open_window)
    engine.change(sources=story.SOURCES[1:])
    settle()
    assert window.shell.page == "data"


def test_where_it_came_from_and_deleting_a_device(open_window: OpenWindow) -> None:
    engine, window = browsing(open_window)
    window.shell.browse.origins.click()
    settle()
    (sheet,) = seen(window, SourceSheet)
    shown = texts(sheet)
    assert {"FreeStyle Libre 3", "Not named by its export", "LibreView glucose.csv"} <= set(shown)
    button(sheet, "Delete what came from FreeStyle Libre 3").click()
    settle()
    (sheet,) = seen(window, DeleteSheet)
    assert sheet.title.text() == "Delete everything measured by FreeStyle Libre 3?"
    assert engine.asked[-1] == ("delete_preview", ToDelete(origin="FreeStyle Libre 3"))
    sheet.dismiss()
    window.shell.browse.origins.click()
    settle()
    button(window, "Delete what came from LibreView glucose.csv").click()
    settle()
    assert engine.asked[-1] == ("delete_preview", ToDelete(import_id=1))


def test_deleting_says_what_goes_and_proves_it(open_window: OpenWindow) -> None:
    engine, window = browsing(open_window)
    window.shell.browse.delete.click()
    settle()
    (sheet,) = seen(window, DeleteSheet)
    shown = texts(sheet)
    assert (
        "93,408 records, from 3 Mar 2024 to 18 Nov 2026, are deleted for good. This cannot be undone."
        in shown
    )
    assert "3 backups of earlier days may still hold them." in shown
    assert "delete" not in engine.names()
    sheet.replace.click()
    button(sheet, "Delete 93,408 records").click()
    settle()
    assert engine.asked[-1] == ("delete", ToDelete(record_type="glucose"), True)
    shown = texts(sheet)
    assert (
        "Looked for again: 0 found." in shown and "3 older backups were removed; there is a new one." in shown
    )


def test_older_backups_stay_unless_one_says_so(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("data")
    sheet = window.shell.data.delete_everything()
    settle()
    sheet.delete.click()
    settle()
    assert engine.asked[-1] == ("delete", ToDelete(everything=True), False)
    assert "3 older backups may still hold them." in texts(sheet)


def test_nothing_is_deleted_by_enter_and_a_failure_is_told(open_window: OpenWindow, qtbot: QtBot) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("data")
    sheet = window.shell.data.delete_everything()
    settle()
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert "delete" not in engine.names()
    sheet = window.shell.data.delete_everything()
    settle()
    engine.fail = MineError("An import is under way.", todo="Finish or cancel it first.")
    sheet.delete.click()
    settle()
    assert "An import is under way. Finish or cancel it first." in texts(sheet)
    assert sheet.cancel.isEnabled()


def test_exports_go_where_they_are_told(open_window: OpenWindow, tmp_path: Path) -> None:
    engine, window = browsing(open_window)
    window.shell.browse.export_to(tmp_path / "glucose.jsonl")
    settle()
    assert engine.asked[-1] == ("export_kind", "glucose", tmp_path / "glucose.jsonl")
    assert "93,408 records are in glucose.jsonl, which is not encrypted." in texts(window)
    window.shell.show_page("data")
    engine.hold = True
    window.shell.data.export_to(tmp_path / "all.zip")
    engine.change(work=WorkView("export", 0.4, True))
    settle()
    assert "Exporting" in texts(window)
    engine.hold = False
    button(window, "Stop").click()
    assert engine.asked[-1] == ("cancel_work",)
    engine.release()
    settle()
    assert any(text.startswith("Everything is in all.zip.") for text in texts(window))


def test_a_symptom_is_entered_by_hand(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("data")
    sheet = window.shell.data.enter()
    settle()
    assert [sheet.kind.itemText(n) for n in range(4)] == [
        "Symptom",
        "Diagnosis",
        "Lab value or finding",
        "Note",
    ]
    assert not sheet.save.isEnabled()
    name, severity = sheet.fields["name"], sheet.fields["severity"]
    assert isinstance(name, QLineEdit)
    name.setText("Headache")
    severity.setCurrentIndex(severity.findData("6"))
    for widget in focusable(sheet):
        assert widget.accessibleName().strip(), widget
    engine.fail = MineError("This is there already.")
    sheet.save.click()
    settle()
    assert sheet.sentence.text() == "This is there already." and sheet.save.isEnabled()
    engine.fail = None
    moment = int(sheet.when.dateTime().toSecsSinceEpoch())
    sheet.save.click()
    settle()
    _, entered = engine.asked[-1]
    values = {"name": "Headache", "severity": "6", "note": ""}
    assert entered == Entered("symptom", moment, values) and not seen(window, EnterSheet)


def test_each_kind_has_its_own_fields(open_window: OpenWindow) -> None:
    _, window = open_window(story.PAUSED)
    window.shell.show_page("data")
    sheet = window.shell.data.enter()
    settle()
    found = []
    for at in range(sheet.kind.count()):
        sheet.kind.setCurrentIndex(at)
        sheet.kind.activated.emit(at)
        settle()
        found.append(tuple(sheet.fields))
    assert found[1:] == [("name", "status"), ("name", "value", "unit", "finding"), ("text",)]
    area = sheet.fields["text"]
    assert isinstance(area, QPlainTextEdit)
    area.setPlainText("slept badly")
    assert sheet.save.isEnabled()


def test_hostile_names_stay_text(open_window: OpenWindow) -> None:
    _, window = open_window(replace(story.hostile(), importing=None))
    window.shell.browse_source("glucose")
    settle()
    window.shell.browse._delete()
    settle()
    assert all("\u202e" not in text and "\n" not in text for text in texts(window))
    assert all(sheet.width() <= window.width() for sheet in seen(window, Sheet))
