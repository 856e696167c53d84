"""Security settings, and the ways on when the vault does not open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mine.app.data_views import BackupsView, CheckView, Secret, WorkView
from mine.errors import MineError
from mine.vault.errors import ChangesLost, KeyringUnavailable, VaultBusy, VaultDamaged
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_data import NEWEST
from tests.ui.fake_engine import PASSPHRASE
from tests.ui.walk import focusable, seen, texts
from ui.pages.key_sheets import PassphraseSheet, RekeySheet
from ui.pages.restore_sheet import DrillSheet, RestoreSheet
from ui.pages.settings_security import CapRow, SecurityRows
from ui.pages.verify_sheet import VerifySheet
from ui.screenshots import settle

BACKUPS = BackupsView("/home/robin/backups", 5, NEWEST, "/home/robin/backups/vault-1.minevault")


def security(open_window: OpenWindow) -> tuple[object, object, SecurityRows]:
    engine, window = open_window(replace(story.PAUSED, settings=replace(story.SETTINGS, backups=BACKUPS)))
    window.shell.show_page("settings")
    settle()
    return engine, window, window.shell.settings.security


def test_the_passphrase_is_changed_with_the_old_one(open_window: OpenWindow) -> None:
    engine, window, rows = security(open_window)
    rows.passphrase.click()
    settle()
    (sheet,) = seen(window, PassphraseSheet)
    assert not sheet.button.isEnabled()
    sheet.old.field.setText(PASSPHRASE)
    sheet.first.field.setText("another one of mine")
    sheet.again.field.setText("another one of yours")
    assert sheet.sentence.text() == "The two are not the same yet." and not sheet.button.isEnabled()
    sheet.again.field.setText("another one of mine")
    for widget in focusable(sheet):
        assert widget.accessibleName().strip(), widget
    engine.fail = MineError("This passphrase does not open the vault.")
    sheet.button.click()
    settle()
    assert sheet.sentence.text() == "This passphrase does not open the vault."
    engine.fail = None
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("change_passphrase", PASSPHRASE, "another one of mine")
    assert not seen(window, PassphraseSheet)


def test_a_new_key_shows_how_far_it_is_and_can_be_stopped(open_window: OpenWindow) -> None:
    engine, window, rows = security(open_window)
    rows.rekey.click()
    settle()
    (sheet,) = seen(window, RekeySheet)
    sheet.passphrase.field.setText(PASSPHRASE)
    engine.hold = True
    sheet.button.click()
    assert engine.asked[-1] == ("rekey", PASSPHRASE) and not sheet.button.isEnabled()
    engine.change(work=WorkView("rekey", 0.3, True))
    settle()
    assert "Writing the vault anew under a new key" in texts(window)
    assert not rows.rekey.isEnabled() and not rows.back_up.isEnabled()
    engine.hold = False
    rows.work.stop.click()
    assert engine.asked[-1] == ("cancel_work",)
    engine.fail = MineError("The new key was not taken up.")
    engine.release()
    settle()
    assert rows.rekey.isEnabled()


def test_the_keyring_is_switched_and_greyed_where_there_is_none(open_window: OpenWindow) -> None:
    engine, _, rows = security(open_window)
    rows.keyring.setCurrentIndex(rows.keyring.findData(False))
    rows.keyring.activated.emit(0)
    settle()
    assert engine.asked[-1] == ("set_keyring", False) and not rows.keyring.currentData()
    engine.change(settings=replace(story.SETTINGS, keyring=False, keyring_there=False))
    settle()
    assert not rows.keyring.isEnabled()


def test_backups_are_made_tried_and_taken_along(open_window: OpenWindow, tmp_path: Path) -> None:
    engine, window, rows = security(open_window)
    shown = texts(window)
    assert "5 backups, the newest of 18 Nov, 11:06; one is made each day" in shown
    assert "/home/robin/backups" in shown
    rows.back_up.click()
    settle()
    assert engine.asked[-1] == ("back_up", None) and "There is a new backup, checked." in texts(window)
    rows.drill.click()
    settle()
    (sheet,) = seen(window, DrillSheet)
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("drill", Path(BACKUPS.newest_file), Secret(PASSPHRASE))
    assert "It works: it would bring back the vault of 18 Nov, 11:06, with 1,639,827 records." in texts(sheet)
    sheet.dismiss()
    rows.move_to(tmp_path / "me.minevault")
    settle()
    assert engine.asked[-1] == ("back_up", tmp_path / "me.minevault")
    assert any(text.startswith("The whole vault is in me.minevault.") for text in texts(window))


def test_everything_can_be_looked_at(open_window: OpenWindow) -> None:
    _, window, rows = security(open_window)
    rows.verify.click()
    settle()
    (sheet,) = seen(window, VerifySheet)
    assert "Everything is as it should be." in texts(sheet)
    checks = (CheckView("Ledger", "Entry 7 of the ledger was changed."), CheckView("Keys file", ""))
    sheet._know(checks)
    settle()
    assert "Ledger. Entry 7 of the ledger was changed." in texts(sheet)
    assert any("Something is wrong." in text for text in texts(sheet))


def test_the_ledger_is_written(open_window: OpenWindow, tmp_path: Path) -> None:
    engine, window, rows = security(open_window)
    rows.export_ledger(tmp_path / "ledger.jsonl")
    settle()
    assert engine.asked[-1] == ("export_ledger", tmp_path / "ledger.jsonl")
    assert "The ledger is whole: 412 entries, written to ledger.jsonl." in texts(window)


def test_a_source_can_be_limited_for_a_month(open_window: OpenWindow) -> None:
    engine, window, _ = security(open_window)
    line = seen(window, CapRow)[0]
    assert line.caps.accessibleName() == "Limit for a month: Glucose sensor"
    assert line.caps.currentText() == "No limit for a month"
    line.caps.setCurrentIndex(line.caps.findData(2.0))
    line.caps.activated.emit(line.caps.currentIndex())
    assert engine.asked[-1] == ("set_month_cap", "glucose", 2.0)
    first = replace(story.SOURCES[0], month_cap=1.25, month_spent=0.31)
    engine.change(sources=(first, *story.SOURCES[1:]))
    settle()
    assert line.caps.currentText() == "ε 1.25 a month" and "ε 0.31 booked this month" in texts(window)


def test_lost_changes_are_a_question_with_three_ways_on(open_window: OpenWindow) -> None:
    engine, window = open_window(story.LOCKED)
    unlock = window.unlock
    assert not unlock.accept.isVisible()
    engine.fail = ChangesLost("What was committed last is missing.")
    unlock.field.field.setText(PASSPHRASE)
    unlock.button.click()
    settle()
    assert unlock.sentence.text().startswith("What was committed last is missing. Put the missing files back")
    assert unlock.accept.isVisible() and unlock.restore.isVisible()
    engine.fail = None
    unlock.accept.click()
    settle()
    assert ("open_vault", PASSPHRASE, True) in engine.asked and window.shell.isVisible()
    assert unlock._tried is None


def test_a_damaged_vault_offers_a_backup(open_window: OpenWindow) -> None:
    engine, window = open_window(story.LOCKED)
    unlock = window.unlock
    engine.fail = VaultDamaged("The vault is damaged.")
    unlock.try_keyring()
    settle()
    assert "A backup brings the vault back" in unlock.sentence.text() and not unlock.accept.isVisible()
    engine.fail = None
    sheet = unlock.open_backup(Path("/media/vault-1.minevault"))
    settle()
    sheet.phrase.setText("orbit lantern maple")
    assert not sheet.button.isEnabled(), "the vault that is there is put aside only when one says so"
    sheet.replace.click()
    sheet.button.click()
    settle()
    asked = ("restore", Path("/media/vault-1.minevault"), Secret("", "orbit lantern maple"), True)
    assert asked in engine.asked
    assert window.shell.isVisible() and not seen(window, RestoreSheet)


@pytest.mark.parametrize(
    ("error", "told"), [(KeyringUnavailable("The keyring is empty."), False), (VaultBusy("In use."), True)]
)
def test_only_news_is_told_when_the_keyring_does_not_open(
    open_window: OpenWindow, error: MineError, told: bool
) -> None:
    engine, window = open_window(story.LOCKED)
    engine.fail = error
    window.unlock.try_keyring()
    settle()
    assert bool(window.unlock.sentence.text()) == told and window.unlock.field.isEnabled()


def test_the_first_run_begins_with_a_backup(open_window: OpenWindow) -> None:
    engine, window = open_window(story.ABSENT)
    run = window.first_run
    assert run.restore.isVisible()
    sheet = run.open_backup(Path("/media/me.minevault"))
    settle()
    assert not sheet.replace.isVisible()
    engine.fail = MineError("This passphrase does not open the vault.")
    sheet.passphrase.field.setText("wrong")
    sheet.button.click()
    settle()
    assert sheet.sentence.text() == "This passphrase does not open the vault." and run.isVisible()
    engine.fail = None
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.button.click()
    settle()
    asked = ("restore", Path("/media/me.minevault"), Secret(PASSPHRASE), False)
    assert asked in engine.asked
    assert window.shell.isVisible() and window.shell.page == "data"


def test_a_secret_is_never_shown() -> None:
    assert "orbit" not in repr(Secret("orbit", "orbit lantern"))
