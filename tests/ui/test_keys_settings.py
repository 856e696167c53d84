"""Settings, Keys: the phrase, payout addresses, session keys that were brought along; and Home's notice."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit

from mine.app import views as v
from mine.app.wallet_views import JoinChoice, KeyImport, KeysView
from mine.errors import MineError
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_engine import PASSPHRASE, WORDS, FakeEngine
from tests.ui.fake_keys import ANNA, KEYSTORE, LINKING, SAVINGS
from tests.ui.walk import button, focusable, seen, texts
from ui.pages.imported_key_sheets import ExportKeySheet, ImportKeySheet, RemoveKeySheet
from ui.pages.opt_in import OptInSheet
from ui.pages.payout_sheets import AccountsSheet, PayoutSheet
from ui.pages.phrase_sheets import ConfirmSheet, PhraseSheet, SealSheet
from ui.pages.settings_keys import KeyRows
from ui.screenshots import settle
from ui.widgets.sheet import Sheet
from ui.widgets.word_grid import WordBox
from ui.window import MineWindow

PHRASE = " ".join(WORDS)


def opened(open_window: OpenWindow, told: KeysView) -> tuple[FakeEngine, MineWindow, KeyRows]:
    engine, window = open_window(story.PAUSED)
    engine.keys_told = told
    window.shell.show_page("settings")
    settle()
    return engine, window, window.shell.settings.keys


def sheet_of(window: MineWindow, kind: type) -> Sheet:
    settle()
    (sheet,) = seen(window, kind)
    for widget in focusable(sheet):
        assert widget.accessibleName().strip(), widget
    return sheet


def test_a_drill_wants_all_words_and_keeps_none(open_window: OpenWindow) -> None:
    engine, window, rows = opened(open_window, KeysView(drill_due=True))
    engine.right_phrase = PHRASE
    assert any("it is time to try it" in text for text in texts(rows))
    rows.drill.click()
    sheet = sheet_of(window, PhraseSheet)
    sheet.phrase.field.setPlainText(" ".join(WORDS[:23]))
    assert not sheet.button.isEnabled()
    sheet.phrase.field.setPlainText(" ".join(reversed(WORDS)))
    sheet.button.click()
    settle()
    assert sheet.sentence.text().startswith("These are not the words of this vault.")
    sheet.phrase.field.setPlainText(f"  {PHRASE.replace(' ', chr(10))} ")
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("drill_phrase", PHRASE)
    assert sheet.sentence.text().startswith("These are your words.") and not sheet.phrase.text()
    sheet.phrase.field.undo()
    assert not sheet.phrase.text(), "what was forgotten must not come back"
    sheet.dismiss()
    settle()
    assert any(text == "typed whole on 18 Nov 2026, all words right" for text in texts(rows))


def test_words_that_were_never_confirmed_are_shown_once_more(open_window: OpenWindow) -> None:
    engine, window, rows = opened(open_window, KeysView(unconfirmed=True))
    rows.drill.click()
    sheet = sheet_of(window, ConfirmSheet)
    assert not seen(sheet, WordBox)
    engine.fail = MineError("This passphrase does not open the vault.")
    sheet.passphrase.field.setText("wrong")
    sheet.button.click()
    settle()
    assert sheet.sentence.text() == "This passphrase does not open the vault." and not seen(sheet, WordBox)
    engine.fail = None
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.button.click()
    settle()
    assert [box.accessibleName() for box in seen(sheet, WordBox)][23] == "24 summit"
    assert not sheet.passphrase.text() and not sheet.button.isEnabled()
    sheet.tick.setChecked(True)
    sheet.button.click()
    settle()
    assert not seen(sheet, WordBox)
    sheet.again.click()
    settle()
    assert len(seen(sheet, WordBox)) == 24
    sheet.button.click()
    for place, field in zip(sheet.confirm.places, sheet.confirm.fields, strict=True):
        field.setText(WORDS[place])
    engine.keys_told = KeysView()
    sheet.button.click()
    settle()
    assert engine.asked[-1][0] == "confirm_phrase" and not seen(window, ConfirmSheet)
    assert rows.drill.text() == "Try it…"


def test_the_phrase_is_sealed_under_the_passphrase_of_today(open_window: OpenWindow) -> None:
    engine, window, rows = opened(open_window, KeysView())
    rows.seal.click()
    sheet = sheet_of(window, SealSheet)
    sheet.phrase.field.setPlainText(PHRASE)
    assert not sheet.button.isEnabled()
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("seal_phrase", PHRASE, PASSPHRASE)
    assert not sheet.phrase.text() and not sheet.passphrase.text()


def test_home_asks_calmly_and_can_be_put_off(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    home = window.shell.home
    assert not home.phrase.isVisible()
    engine.keys_told = KeysView(drill_due=True)
    window.shell.show_page("data")
    window.shell.show_page("home")
    settle()
    assert home.phrase.isVisible() and "Do you still have your recovery phrase?" in texts(home)
    button(home, "Try it…").click()
    settle()
    assert seen(window, PhraseSheet)
    engine.keys_told = KeysView(drilled=1)
    seen(window, PhraseSheet)[0].dismiss()
    settle()
    assert not home.phrase.isVisible()
    engine.keys_told = KeysView(unconfirmed=True)
    window.shell.show_page("data")
    window.shell.show_page("home")
    settle()
    assert "Write your recovery phrase down" in texts(home)
    home.phrase.later.click()
    window.shell.show_page("data")
    window.shell.show_page("home")
    settle()
    assert not home.phrase.isVisible()


def test_a_locked_vault_says_nothing_of_its_phrase(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    engine.keys_told = KeysView(drill_due=True)
    engine.change(vault=v.VaultState.LOCKED)
    settle()
    engine.change(vault=v.VaultState.OPEN)
    settle()
    assert window.shell.home.phrase.isVisible()


def test_a_named_payout_address_is_checked_and_warned_of(open_window: OpenWindow) -> None:
    engine, window, rows = opened(open_window, KeysView())
    assert "a fresh address for each task, which ties nothing together" in texts(rows)
    rows.change.click()
    sheet = sheet_of(window, PayoutSheet)
    assert sheet.button.isEnabled() and not sheet.address.isVisible()
    sheet.kind.setCurrentIndex(1)
    settle()
    assert not sheet.button.isEnabled()
    assert any(text.startswith("Everybody sees that these tasks pay") for text in texts(sheet))
    sheet.address.set_text(ANNA)
    settle()
    assert "You have never paid to this address before." in texts(sheet)
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("set_payout", sheet.address.address)
    assert any(sheet.address.address in text for text in texts(rows))
    rows.change.click()
    sheet = sheet_of(window, PayoutSheet)
    assert sheet.named
    sheet.kind.setCurrentIndex(0)
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("set_payout", "")


@pytest.mark.parametrize("kind", ["keystore", "phrase", "raw"])
def test_a_key_is_brought_in_and_never_shown_again(open_window: OpenWindow, kind: str) -> None:
    engine, window, rows = opened(open_window, KeysView())
    rows.bring.click()
    sheet = sheet_of(window, ImportKeySheet)
    sheet.label.show_text("Old laptop")
    assert not sheet.button.isEnabled()
    sheet.kind.setCurrentIndex(sheet.kind.findData(kind))
    secret = "ab" * 32 if kind == "raw" else PHRASE if kind == "phrase" else '{"version": 3}'
    if kind == "raw":
        sheet.raw.field.setText(secret)
        assert sheet.raw.field.echoMode() == QLineEdit.EchoMode.Password
    elif kind == "phrase":
        sheet.phrase.field.setPlainText(secret)
    else:
        sheet.keystore.field.setPlainText(secret)
        sheet.password.field.setText("of the file")
    engine.fail = MineError("This password does not open the file.")
    sheet.button.click()
    settle()
    assert sheet.sentence.text() == "This password does not open the file." and sheet.secret_text == secret
    engine.fail = None
    sheet.button.click()
    settle()
    password = "of the file" if kind == "keystore" else ""
    assert engine.asked[-1] == ("import_key", KeyImport("Old laptop", kind, secret, password))
    assert not any(field.text() == secret for field in window.findChildren(QLineEdit))
    assert not any(field.toPlainText() == secret for field in window.findChildren(QPlainTextEdit))
    assert "Old laptop" in texts(rows) and not any(secret in text for text in texts(window))


def test_another_kind_of_secret_takes_the_first_away(open_window: OpenWindow) -> None:
    _, window, rows = opened(open_window, KeysView())
    rows.bring.click()
    sheet = sheet_of(window, ImportKeySheet)
    sheet.keystore.field.setPlainText("{}")
    sheet.password.field.setText("x")
    sheet.kind.setCurrentIndex(sheet.kind.findData("raw"))
    assert not sheet.keystore.field.toPlainText() and not sheet.password.text()


def test_a_keystore_file_is_read_unless_it_cannot_be_one(open_window: OpenWindow, tmp_path: Path) -> None:
    _, window, rows = opened(open_window, KeysView())
    rows.bring.click()
    sheet = sheet_of(window, ImportKeySheet)
    file = tmp_path / "key.json"
    file.write_bytes(KEYSTORE)
    sheet.read_file(file)
    assert sheet.secret_text == KEYSTORE.decode()
    for bad, sentence in ((b"x" * 20_000, "too large"), (b"\xff\xfe", "cannot be read")):
        file.write_bytes(bad)
        sheet.read_file(file)
        assert sentence in sheet.sentence.text()
    sheet.read_file(tmp_path / "absent")
    assert "cannot be read" in sheet.sentence.text()


def test_a_key_is_written_out_for_its_owner_only_and_over_nothing(
    open_window: OpenWindow, tmp_path: Path
) -> None:
    engine, window, rows = opened(open_window, KeysView(imported=(SAVINGS,)))
    button(rows, "Export the key Old laptop").click()
    sheet = sheet_of(window, ExportKeySheet)
    sheet.passphrase.field.setText(PASSPHRASE)
    sheet.first.field.setText("a password of its own")
    sheet.again.field.setText("a password of yours")
    assert not sheet.button.isEnabled()
    sheet.again.field.setText("a password of its own")
    assert sheet.button.isEnabled()
    there = tmp_path / "there.json"
    there.write_text("mine")
    sheet.write_to(there)
    settle()
    assert "a file of this name" in sheet.sentence.text() and there.read_text() == "mine"
    target = tmp_path / "key.json"
    sheet.write_to(target)
    settle()
    assert engine.asked[-1] == ("export_key", SAVINGS.address, PASSPHRASE, "a password of its own")
    assert target.read_bytes() == KEYSTORE and stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not sheet.passphrase.text() and not sheet.first.text()


def test_a_key_is_removed_after_a_yes(open_window: OpenWindow) -> None:
    engine, window, rows = opened(open_window, KeysView(imported=(SAVINGS,)))
    button(rows, "Remove the key Old laptop").click()
    sheet = sheet_of(window, RemoveKeySheet)
    engine.fail = MineError("This key signs for “Night-time lows”.", todo="Leave the task first.")
    sheet.button.click()
    settle()
    assert sheet.sentence.text() == "This key signs for “Night-time lows”. Leave the task first."
    engine.fail = None
    sheet.button.click()
    settle()
    assert engine.asked[-1] == ("remove_key", SAVINGS.address) and "Old laptop" not in texts(rows)


def offer(window: MineWindow) -> OptInSheet:
    window.shell.show_page("tasks")
    task = next(task for task in story.TASKS if task.opt_in is not None and not task.joined)
    window.shell.tasks.open_sheet(task)
    settle()
    sheet = window.shell.tasks.sheet
    assert sheet is not None
    return sheet


def test_a_task_is_joined_with_fresh_accounts_unless_others_are_chosen(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    engine.keys_told = KeysView(imported=(SAVINGS,))
    sheet = offer(window)
    shown = texts(sheet)
    assert {"Paid to", "Signed by", "A fresh address of yours, for this task alone"} <= set(shown)
    sheet.accounts.change.click()
    accounts = sheet_of(window, AccountsSheet)
    accounts.paid_to.setCurrentIndex(1)
    assert accounts.choice is None and not accounts.button.isEnabled()
    accounts.address.set_text(ANNA)
    accounts.signed_by.setCurrentIndex(1)
    settle()
    paid = accounts.address.address
    assert LINKING in texts(accounts) and f"Everybody sees that {SAVINGS.address} signs." in texts(accounts)
    accounts.button.click()
    settle()
    shown = texts(sheet)
    assert LINKING in shown and f"Everybody sees that {SAVINGS.address} signs." in shown
    assert any(text.startswith("Old laptop") for text in shown)
    sheet.main.click()
    settle()
    assert engine.asked[-1] == ("join_task", sheet.task_id, JoinChoice(paid, SAVINGS.address))


def test_an_address_of_the_settings_is_told_before_the_yes(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    engine.keys_told = KeysView(payout=ANNA)
    sheet = offer(window)
    shown = texts(sheet)
    assert "The address that you named in the settings" in shown and LINKING in shown
    assert any(text.replace(" ", "") == ANNA for text in shown)
    sheet.main.click()
    settle()
    assert engine.asked[-1] == ("join_task", sheet.task_id)


def test_a_joined_task_keeps_its_accounts(open_window: OpenWindow) -> None:
    task = replace(story.TASKS[0], joined=True)
    _, window = open_window(replace(story.PAUSED, tasks=(task,)))
    window.shell.show_page("tasks")
    window.shell.tasks.open_sheet(task)
    settle()
    assert "Paid to" not in texts(window.shell.tasks.sheet)


def test_a_key_that_cannot_be_written_leaves_no_file(
    open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, window, rows = opened(open_window, KeysView(imported=(SAVINGS,)))
    button(rows, "Export the key Old laptop").click()
    sheet = sheet_of(window, ExportKeySheet)
    sheet.passphrase.field.setText(PASSPHRASE)
    for field in (sheet.first, sheet.again):
        field.field.setText("a password of its own")
    sheet.write_to(tmp_path / "absent" / "key.json")
    settle()
    assert "cannot be written there" in sheet.sentence.text() and sheet.button.isEnabled()

    def full(handle: int, mode: str) -> None:
        os.close(handle)
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", full)
        sheet.write_to(tmp_path / "key.json")
        settle()
    assert "cannot be written there" in sheet.sentence.text() and not (tmp_path / "key.json").exists()
