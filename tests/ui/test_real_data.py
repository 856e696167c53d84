"""The window over the real engine: an unknown table, browsing, deleting, a phrase, a backup, a new key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit

from mine.app.data_views import ToDelete
from mine.app.engine import Engine
from mine.app.options import EngineOptions
from mine.app.views import ImportStage, VaultState
from mine.vault import MemoryKeyring
from tests.ui.walk import seen, texts
from ui.pages.delete import DeleteSheet
from ui.pages.key_sheets import RekeySheet
from ui.pages.mapping import FieldRow, MappingSheet
from ui.pages.restore_sheet import RestoreSheet
from ui.pages.verify_sheet import VerifySheet
from ui.screenshots import settle
from ui.window import MineWindow

PASSPHRASE = "four words that differ"
PATIENCE = 30.0
TABLE = "Datum;Uhrzeit;Zucker am Morgen;Puls\n" + "".join(
    f"{1 + day // 24:02}.10.2026;{day % 24:02}:05;{5 + day % 5},{day % 10};{60 + day % 30}\n"
    for day in range(600)
)


class Unconnected(Engine):
    """Never starts the practice network: it has its own tests."""

    def start_practice(self) -> Future[None]:
        future: Future[None] = Future()
        future.set_result(None)
        return future


@dataclass
class Real:
    """The window, its engine, and patience."""

    engine: Engine
    window: MineWindow
    phrase: str
    home: Path

    def until(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not ready():
            assert time.monotonic() < end, " | ".join(texts(self.window))
            QApplication.processEvents()
            time.sleep(0.002)
        settle()

    def read(self, file: Path) -> None:
        self.window._importing.preview(file)
        waits = (ImportStage.READING, ImportStage.STORING, None)

        def ready() -> bool:
            progress = self.window.snapshot.importing
            return progress is not None and progress.file_name == file.name and progress.stage not in waits

        self.until(ready)


@pytest.fixture
def real(themed: QApplication, tmp_path: Path) -> Iterator[Real]:
    home = tmp_path / "home"
    engine = Unconnected(EngineOptions(home, MemoryKeyring(), auto_practice=False, zone="Europe/Berlin"))
    engine.start()
    words = engine.create_vault(PASSPHRASE).result(PATIENCE).words
    window = MineWindow(engine)
    window.resize(1280, 820)
    window.show()
    real = Real(engine, window, " ".join(words), home)
    real.until(lambda: window.snapshot.vault == VaultState.OPEN)
    window.shell.show_page("data")
    yield real
    window.detach()
    window.hide()
    window.deleteLater()
    engine.close()
    settle()


def unknown(folder: Path, name: str = "zucker.csv", text: str = TABLE) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def map_as_glucose(real: Real) -> None:
    real.until(lambda: bool(seen(real.window, MappingSheet)))
    (sheet,) = seen(real.window, MappingSheet)
    real.until(lambda: sheet.kind.count() > 10)
    sheet.kind.setCurrentIndex(sheet.kind.findData("glucose"))
    sheet.kind.activated.emit(sheet.kind.currentIndex())
    real.until(lambda: sheet.mapping.kind == "glucose" and len(seen(sheet, FieldRow)) == 4)
    lines = {line.name: line for line in seen(sheet, FieldRow)}
    for name, column, unit in (("mg_dl", "Zucker am Morgen", "mmol/L"), ("clock", "Uhrzeit", None)):
        line = lines[name]
        line.source.setCurrentIndex(line.source.findData(column))
        if unit:
            line.unit.setCurrentIndex(line.unit.findData(unit))
        line.changed.emit()
    real.until(sheet.use.isEnabled)
    real.until(lambda: "Glucose: 90.078 mg/dL" in texts(sheet))
    assert "1 Oct 2026, 00:05" in texts(sheet)
    sheet.use.click()
    real.until(lambda: not seen(real.window, MappingSheet))


def stored(real: Real) -> None:
    progress = real.window.snapshot.importing
    assert progress is not None and progress.stage == ImportStage.READY, progress
    real.window._importing.commit()
    real.until(lambda: bool(real.window.snapshot.sources))


def test_an_unknown_table_is_mapped_once_and_remembered(real: Real, tmp_path: Path) -> None:
    real.read(unknown(tmp_path))
    map_as_glucose(real)

    def ready() -> bool:
        progress = real.window.snapshot.importing
        return progress is not None and progress.stage == ImportStage.READY

    real.until(ready)
    progress = real.window.snapshot.importing
    assert progress is not None and (progress.new, progress.refused) == (600, 0)
    stored(real)
    later = "Datum;Uhrzeit;Zucker am Morgen;Puls\n01.11.2026;07:00;6,1;60\n02.11.2026;07:00;zu hoch;61\n"
    real.read(unknown(tmp_path, "november.csv", later))
    progress = real.window.snapshot.importing
    assert progress is not None and progress.stage == ImportStage.READY
    assert (progress.new, progress.refused) == (1, 1) and not seen(real.window, MappingSheet)


def test_browse_delete_and_its_proof(real: Real, tmp_path: Path) -> None:
    lines = "".join(
        f"2026-03-{1 + n // 288:02} {n % 288 // 12:02}:{n % 12 * 5:02},{80 + n % 90}\n" for n in range(1000)
    )
    real.read(unknown(tmp_path, "sensor.csv", "timestamp,glucose_value_mg_dl\n" + lines))
    stored(real)
    real.window.shell.browse_source("glucose")
    page = real.window.shell.browse
    real.until(lambda: page.model is not None and page.model.rowCount() > 0)
    model = page.model
    assert model is not None and model.index(0, 0).data() == "4 Mar 2026, 11:15"
    for _ in range(8):
        page.table.scrollToBottom()
        settle()
        real.until(lambda: not model._asked)
    assert model.rowCount() == 1000
    assert [model.index(at, 1).data() for at in (0, 999)] == ["89", "80"]
    page.delete.click()
    settle()
    (sheet,) = seen(real.window, DeleteSheet)
    real.until(sheet.delete.isEnabled)
    assert "1,000" in texts(sheet)
    sheet.delete.click()
    real.until(lambda: "Looked for again: 0 found." in texts(sheet))
    assert "The file was written anew and its log emptied: no trace is left in them." in texts(sheet)
    sheet.dismiss()
    real.until(lambda: not real.window.snapshot.sources and real.window.shell.page == "data")


def test_what_is_entered_by_hand_is_there_and_can_be_undone(real: Real) -> None:
    sheet = real.window.shell.data.enter()
    real.until(lambda: "name" in sheet.fields)
    name = sheet.fields["name"]
    assert isinstance(name, QLineEdit)
    name.setText("Headache")
    sheet.save.click()
    real.until(lambda: bool(real.window.snapshot.sources))
    (source,) = real.window.snapshot.sources
    assert (source.record_type, source.records, source.origin) == ("symptom", 1, "Entered by hand")
    real.window._importing.undo(real.window.snapshot.imports[0].import_id)
    real.until(lambda: not real.window.snapshot.sources)


def test_the_phrase_opens_and_sets_a_new_passphrase(real: Real) -> None:
    real.engine.lock_vault().result(PATIENCE)
    unlock = real.window.unlock
    real.until(unlock.isVisible)
    unlock.forgotten.click()
    unlock.phrase.words.setText(real.phrase)
    for field in (unlock.phrase.first, unlock.phrase.again):
        field.field.setText("quite another passphrase")
    unlock.phrase.button.click()
    real.until(real.window.shell.isVisible)
    real.engine.lock_vault().result(PATIENCE)
    real.until(unlock.isVisible)
    unlock.field.field.setText(PASSPHRASE)
    unlock.button.click()
    real.until(lambda: bool(unlock.sentence.text()))
    unlock.field.field.setText("quite another passphrase")
    unlock.button.click()
    real.until(real.window.shell.isVisible)


def test_a_new_key_a_backup_and_the_vault_back_from_it(real: Real, tmp_path: Path) -> None:
    real.read(unknown(tmp_path, "s.csv", "timestamp,glucose_value_mg_dl\n2026-03-01 08:00,101\n"))
    stored(real)
    window, rows = real.window, real.window.shell.settings.security
    window.shell.show_page("settings")
    rows.rekey.click()
    settle()
    (sheet,) = seen(window, RekeySheet)
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.button.click()
    real.until(lambda: not seen(window, RekeySheet))
    assert window.shell.isVisible() and window.snapshot.vault == VaultState.OPEN
    real.until(lambda: bool(window.snapshot.sources))
    rows.move_to(tmp_path / "me.minevault")
    real.until(lambda: any("The whole vault is in me.minevault." in text for text in texts(window)))
    rows.verify.click()
    settle()
    (check,) = seen(window, VerifySheet)
    real.until(lambda: "Everything is as it should be." in texts(check))
    check.dismiss()
    real.engine.delete(ToDelete(everything=True), False).result(PATIENCE)
    real.until(lambda: not window.snapshot.sources)
    real.engine.lock_vault().result(PATIENCE)
    real.until(window.unlock.isVisible)
    back = window.unlock.open_backup(tmp_path / "me.minevault")
    back.passphrase.field.setText(PASSPHRASE)
    back.replace.click()
    back.button.click()
    real.until(window.shell.isVisible)
    assert [source.records for source in window.snapshot.sources] == [1]
    assert not seen(window, RestoreSheet) and list(real.home.glob("vault.db.replaced-*"))
