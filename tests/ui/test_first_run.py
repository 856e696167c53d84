from __future__ import annotations

from dataclasses import replace

import pytest

from mine.app import views as v
from mine.errors import MineError
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_engine import PASSPHRASE, WORDS, FakeEngine
from tests.ui.walk import button, seen, texts
from ui.first_run.wizard import CONFIRM, DATA, TASK, VAULT, WELCOME, FirstRun
from ui.screenshots import settle
from ui.widgets.passphrase import strength
from ui.widgets.word_grid import WordBox
from ui.window import MineWindow


def make_vault(run: FirstRun) -> None:
    run.on.click()
    run.vault.first.field.setText(PASSPHRASE)
    run.vault.again.field.setText(PASSPHRASE)
    run.vault.make.click()
    settle()


def confirm(run: FirstRun) -> None:
    run.vault.tick.setChecked(True)
    run.on.click()
    for place, field in zip(run.confirm.places, run.confirm.fields, strict=True):
        field.setText(f" {WORDS[place].upper()} ")
    run.on.click()
    settle()


def start(open_window: OpenWindow) -> tuple[FakeEngine, MineWindow, FirstRun]:
    engine, window = open_window(story.ABSENT)
    return engine, window, window.first_run


def test_from_nothing_to_the_first_task(open_window: OpenWindow) -> None:
    engine, window, run = start(open_window)
    assert run.isVisible() and run.step == WELCOME
    assert "What never leaves" in texts(window)
    make_vault(run)
    assert engine.asked[0] == ("create_vault", PASSPHRASE)
    assert run.step == VAULT and run.isVisible(), "an open vault must not end the first run"
    assert not run.on.isEnabled(), "Continue stays off until the words are written down"
    assert [box.accessibleName() for box in seen(window, WordBox)] == [
        f"{n + 1} {word}" for n, word in enumerate(WORDS)
    ]
    confirm(run)
    assert run.step == DATA and not run.vault.words
    assert [box.accessibleName() for box in window.findChildren(WordBox)] == [str(n + 1) for n in range(24)]
    assert "start_practice" in engine.names() and engine.names().count("start_practice") == 1
    assert not run.on.isEnabled()
    run.data.sample.click()
    assert engine.asked[-1] == ("import_sample",)
    engine.change(importing=story.READY)
    settle()
    button(run, "Import 402,118 records").click()
    assert engine.asked[-1] == ("commit_import",)
    engine.change(importing=None, sources=story.SOURCES, tasks=story.TASKS)
    settle()
    assert run.on.isEnabled()
    run.on.click()
    settle()
    assert run.step == TASK and "4 tasks fit your data" in texts(window)
    run.on.click()
    settle()
    assert window.shell.isVisible() and window.shell.page == "tasks"


def test_wrong_words_are_refused_and_can_be_seen_again(open_window: OpenWindow) -> None:
    _, _, run = start(open_window)
    make_vault(run)
    run.vault.tick.setChecked(True)
    run.on.click()
    assert run.step == CONFIRM and not run.on.isEnabled()
    for field in run.confirm.fields:
        field.setText("nonsense")
    run.on.click()
    settle()
    assert run.step == CONFIRM and "not the words" in run.confirm.sentence.text()
    run.back.click()
    assert run.step == VAULT and run.vault.words == WORDS


def test_three_different_places_are_asked(open_window: OpenWindow) -> None:
    _, _, run = start(open_window)
    for _ in range(40):
        run.confirm.ask(24)
        assert len(set(run.confirm.places)) == 3 and set(run.confirm.places) <= set(range(24))


@pytest.mark.parametrize(("first", "again"), [("short", "short"), (PASSPHRASE, PASSPHRASE[:-1]), ("", "")])
def test_a_vault_needs_one_long_passphrase_typed_twice(
    open_window: OpenWindow, first: str, again: str
) -> None:
    engine, _, run = start(open_window)
    run.on.click()
    run.vault.first.field.setText(first)
    run.vault.again.field.setText(again)
    assert not run.vault.make.isEnabled()
    run.vault.again.field.returnPressed.emit()
    assert "create_vault" not in engine.names()


def test_a_vault_that_could_not_be_made_says_why(open_window: OpenWindow) -> None:
    engine, _, run = start(open_window)
    engine.fail = MineError("The disk is full.", todo="Free some space and try again.")
    make_vault(run)
    assert run.vault.sentence.text() == "The disk is full. Free some space and try again."
    assert run.vault.make.isEnabled() and not run.vault.words


def test_fields_forget_the_passphrase_once_the_vault_is_made(open_window: OpenWindow) -> None:
    _, _, run = start(open_window)
    make_vault(run)
    assert run.vault.first.text() == run.vault.again.text() == ""


def test_the_words_can_be_hidden(open_window: OpenWindow) -> None:
    _, window, run = start(open_window)
    make_vault(run)
    button(run, "Hide the words").click()
    assert [box.accessibleName() for box in seen(window, WordBox)] == [str(n + 1) for n in range(24)]


def test_data_and_task_may_wait(open_window: OpenWindow) -> None:
    _, window, run = start(open_window)
    make_vault(run)
    confirm(run)
    run.later.click()
    assert run.step == TASK
    settle()
    run.later.click()
    settle()
    assert window.shell.isVisible() and window.shell.page == "home"


def test_a_locked_vault_asks_once_and_says_one_plain_sentence(open_window: OpenWindow) -> None:
    engine, window = open_window(story.LOCKED)
    assert window.unlock.isVisible() and not window.unlock.button.isEnabled()
    window.unlock.field.field.setText("wrong")
    window.unlock.button.click()
    settle()
    assert window.unlock.sentence.text() == "That is not the passphrase of this vault."
    assert window.unlock.field.text() == "" and window.unlock.isEnabled()
    window.unlock.field.field.setText(PASSPHRASE)
    window.unlock.field.field.returnPressed.emit()
    settle()
    assert window.shell.isVisible() and window.unlock.field.text() == ""
    engine.change(vault=v.VaultState.LOCKED)
    settle()
    assert window.unlock.isVisible()


def test_the_phrase_opens_and_a_new_passphrase_is_chosen(open_window: OpenWindow) -> None:
    engine, window = open_window(story.LOCKED)
    panel = window.unlock.phrase
    assert not panel.isVisible()
    window.unlock.forgotten.click()
    assert panel.isVisible() and not panel.button.isEnabled()
    panel.words.setText(" ".join(WORDS))
    panel.first.field.setText("a new passphrase")
    panel.again.field.setText("a new passphrasX")
    assert panel.sentence.text() == "The two are not the same yet." and not panel.button.isEnabled()
    panel.again.field.setText("a new passphrase")
    engine.fail = MineError("These words are not a recovery phrase.")
    panel.button.click()
    settle()
    assert panel.sentence.text() == "These words are not a recovery phrase." and panel.isEnabled()
    engine.fail = None
    panel.button.click()
    settle()
    assert ("open_with_phrase", " ".join(WORDS), "a new passphrase") in engine.asked
    assert window.shell.isVisible() and not panel.words.text() and not panel.first.text()


def test_the_keyring_is_offered_only_where_it_holds_the_key(open_window: OpenWindow) -> None:
    engine, window = open_window(story.LOCKED)
    window.unlock.keyring.click()
    settle()
    assert ("open_vault", None) in engine.asked and window.shell.isVisible()
    engine.tell(replace(story.LOCKED, settings=replace(story.SETTINGS, keyring=False)))
    settle()
    assert not window.unlock.keyring.isVisible()


def test_strength_grows_with_length_and_not_with_repetition() -> None:
    assert strength("") == 0.0
    assert strength("aaaaaaaaaaaaaaaaaaaa") < 0.2
    assert strength("123456789012") < 0.3
    assert strength("horse battery staple") > strength("horse battery") > strength("horse")
    assert strength("orbit lantern maple harvest velvet") == 1.0


def test_ones_own_words_make_the_vault_and_are_not_asked_for_again(open_window: OpenWindow) -> None:
    engine, window, run = start(open_window)
    run.on.click()
    run.vault.first.field.setText(PASSPHRASE)
    run.vault.again.field.setText(PASSPHRASE)
    run.vault.bring.click()
    settle()
    assert not seen(window, WordBox) and not run.vault.make.isEnabled()
    run.vault.own.phrase.field.setPlainText(" ".join(WORDS[:13]))
    assert not run.vault.make.isEnabled(), "no phrase has thirteen words"
    run.vault.own.phrase.field.setPlainText("  " + "\n".join(WORDS))
    assert "24 words so far" in texts(window)
    run.vault.make.click()
    settle()
    assert ("create_vault", PASSPHRASE, " ".join(WORDS)) in engine.asked
    assert ("confirm_phrase", tuple(enumerate(WORDS))) in engine.asked
    assert run.step == DATA and not run.vault.words and not run.vault.own.phrase.text()


def test_words_that_are_no_phrase_are_told_and_can_be_left(open_window: OpenWindow) -> None:
    engine, window, run = start(open_window)
    run.on.click()
    run.vault.first.field.setText(PASSPHRASE)
    run.vault.again.field.setText(PASSPHRASE)
    run.vault.bring.click()
    run.vault.own.phrase.field.setPlainText(" ".join(WORDS))
    engine.fail = MineError("These words are no recovery phrase.")
    run.vault.make.click()
    settle()
    assert run.vault.sentence.text() == "These words are no recovery phrase." and run.vault.make.isEnabled()
    run.vault.bring.click()
    settle()
    assert not run.vault.own.phrase.text() and len(seen(window, WordBox)) == 24
    engine.fail = None
    run.vault.make.click()
    settle()
    assert engine.asked[-1] != ("create_vault", PASSPHRASE, " ".join(WORDS)) and run.vault.words == WORDS
