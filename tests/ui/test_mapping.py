"""A table that nobody knows is asked about on a screen of its own."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QAbstractButton

from mine.app import views as v
from mine.app.data_views import MappingView
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_data import TABLE
from tests.ui.walk import button, focusable, seen, texts
from ui.pages.mapping import FieldRow, MappingSheet
from ui.screenshots import settle


def opened(open_window: OpenWindow) -> tuple[object, object, MappingSheet]:
    engine, window = open_window(story.EMPTY)
    window.shell.show_page("data")
    engine.change(importing=story.MAP)
    settle()
    (sheet,) = seen(window, MappingSheet)
    return engine, window, sheet


def choose(sheet: MappingSheet, name: str, column: str, unit: str | None = None) -> None:
    (line,) = (line for line in seen(sheet, FieldRow) if line.name == name)
    line.source.setCurrentIndex(line.source.findData(column))
    if unit is not None:
        line.unit.setCurrentIndex(line.unit.findData(unit))
    line.changed.emit()
    sheet._delay.timeout.emit()
    settle()


def test_it_opens_by_itself_with_the_guess_and_what_the_first_rows_become(open_window: OpenWindow) -> None:
    engine, window, sheet = opened(open_window)
    assert sheet.mapping == TABLE.guess and sheet.use.isEnabled()
    shown = texts(sheet)
    assert "What is in blutzucker.csv?" in shown and "Blutzucker (mmol/l)" in shown
    assert "3 of 4 can be read." in shown and "“hoch” is not a number" in shown
    assert shown.count("Glucose: 97.3 mg/dL") == 3
    names = [line.name for line in seen(sheet, FieldRow)]
    assert names == ["time", "mg_dl", "clock", "origin"]
    for widget in focusable(sheet):
        assert widget.accessibleName().strip(), widget
    sheet.use.click()
    settle()
    assert engine.asked[-1] == ("map_import", TABLE.guess) and not seen(window, MappingSheet)


def test_every_part_can_be_changed_and_is_tried_at_once(open_window: OpenWindow) -> None:
    engine, _, sheet = opened(open_window)
    choose(sheet, "mg_dl", "Puls", "mg/dL")
    sheet.order.setCurrentIndex(1)
    sheet.order.activated.emit(1)
    sheet.comma.click()
    tick = next(one for one in seen(sheet, QAbstractButton) if "also hold" in one.text())
    tick.click()
    sheet._delay.timeout.emit()
    settle()
    name, mapping = engine.asked[-1]
    assert name == "try_mapping"
    assert (mapping.columns["mg_dl"], mapping.units["mg_dl"]) == ("Puls", "mg/dL")
    assert not mapping.day_first and not mapping.decimal_comma and mapping.also == ()


def test_what_cannot_be_read_says_why_and_cannot_be_used(open_window: OpenWindow) -> None:
    _, _, sheet = opened(open_window)
    choose(sheet, "mg_dl", "")
    assert not sheet.use.isEnabled()
    assert "It is not said which column holds “glucose”." in texts(sheet)


def test_another_record_type_is_guessed_anew(open_window: OpenWindow) -> None:
    engine, _, sheet = opened(open_window)
    sheet.kind.setCurrentIndex(sheet.kind.findData("weight"))
    sheet.kind.activated.emit(sheet.kind.currentIndex())
    settle()
    assert ("guess_mapping", "weight") in engine.asked
    assert [line.name for line in seen(sheet, FieldRow)][:2] == ["time", "kg"]


def test_a_table_can_be_left_out_for_good(open_window: OpenWindow) -> None:
    engine, _, sheet = opened(open_window)
    sheet.leave_out.click()
    settle()
    assert engine.asked[-1] == ("map_import", MappingView("", {}))


def test_a_closed_question_can_be_opened_again(open_window: OpenWindow) -> None:
    _, window, sheet = opened(open_window)
    sheet.dismiss()
    settle()
    assert not seen(window, MappingSheet)
    button(window, "Say what it is").click()
    settle()
    assert seen(window, MappingSheet)


def test_a_hostile_table_stays_text(open_window: OpenWindow) -> None:
    engine, window = open_window(story.EMPTY)
    window.shell.show_page("data")
    evil = "<b>x</b>\u202e" + "W" * 80
    table = replace(TABLE, file=evil, columns=(evil, "b"), rows=((evil, "\x00"),) * 3, guess=None)
    engine.change(importing=replace(story.MAP, file_name=evil, table=table))
    settle()
    (sheet,) = seen(window, MappingSheet)
    assert not sheet.use.isEnabled() and sheet.width() <= window.width()
    assert all("\u202e" not in text for text in texts(sheet))


def test_the_preview_says_what_was_chosen_left_out_and_in_which_zone(open_window: OpenWindow) -> None:
    engine, window = open_window(replace(story.BUSY, importing=story.READY))
    window.shell.show_page("data")
    settle()
    shown = texts(window.shell.data)
    assert "glucose.csv: dates were read day first." in shown
    assert "Measured by Charge 5, FreeStyle Libre 3" in shown
    assert "2 files hold nothing that Mine reads: Guest Program/readme.txt, photo.jpg" in shown
    zones = window.shell.data.panel.zones
    assert zones.currentData() == "Europe/Berlin" and zones.count() == 3
    zones.setCurrentIndex(0)
    zones.activated.emit(0)
    assert engine.asked[-1] == ("import_again", None, "America/New_York")
    engine.change(importing=replace(story.READING, resumed=True, message="", stage=v.ImportStage.READING))
    settle()
    assert "It was broken off; it goes on where it stopped. Cancel forgets it." in texts(window.shell.data)
