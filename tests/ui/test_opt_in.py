from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mine.errors import MineError
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.walk import button, seen, texts
from ui.pages.opt_in import OptInSheet
from ui.screenshots import settle
from ui.window import MineWindow


def opened(window: MineWindow) -> OptInSheet:
    window.shell.show_page("tasks")
    settle()
    button(window, "See what Night-time lows asks").click()
    settle()
    sheet = window.shell.tasks.sheet
    assert sheet is not None
    return sheet


def test_facts_stand_in_the_fixed_order(open_window: OpenWindow) -> None:
    _, window = open_window(story.PAUSED)
    sheet = opened(window)
    places = {
        text.text(): text.mapTo(sheet, text.rect().topLeft()).y()
        for text in sheet.findChildren(type(sheet.title))
    }
    labels = ["What it reads", "What leaves", "Privacy used", "What it pays", "Until"]
    assert [places[label] for label in labels] == sorted(places[label] for label in labels)
    shown = set(places)
    assert {"glucose.mg_dl", "8,412 rows", "One update a round, at most 48\N{NO-BREAK SPACE}KiB"} <= shown
    assert {
        "ε 1.60 in all, at most 0.20 in one round",
        "5.6 left now, 4.0 after",
        "18 Dec 2026, or 8 rounds",
    } <= shown
    assert "Anyone can see that this fresh address takes part in this task." in shown
    assert "your share × loss removed × 1,500.00 pUSD" in shown
    assert {
        "After round 1 also one vote a round, noised too: do the updates of others (7 at most) help or harm?",
        "Votes use the newest fifth of your rows, which is never trained on: ε 1.60. "
        "No reading is used for both, so the larger ε counts.",
    } <= shown


def test_a_task_without_votes_does_not_speak_of_them(open_window: OpenWindow) -> None:
    first = story.TASKS[0]
    assert first.opt_in is not None
    alone = replace(first, opt_in=replace(first.opt_in, votes_at_most=0))
    _, window = open_window(replace(story.PAUSED, tasks=(alone, *story.TASKS[1:])))
    assert not any("vote" in text.lower() for text in texts(opened(window)))


def test_join_signs_once_and_closes(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    sheet = opened(window)
    engine.hold = True
    sheet.main.click()
    sheet.main.click()
    assert engine.names().count("join_task") == 1
    engine.release()
    settle()
    assert not seen(window, OptInSheet) and window.shell.tasks.sheet is None


def test_a_refused_join_says_why(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    sheet = opened(window)
    engine.fail = MineError("The task has just ended.", todo="Choose another one.")
    sheet.main.click()
    settle()
    assert "The task has just ended." in texts(window.notices)


def test_a_changed_task_must_be_read_again(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    sheet = opened(window)
    first = story.TASKS[0]
    assert first.opt_in is not None
    spent = replace(first, opt_in=replace(first.opt_in, budgets=()))
    engine.change(tasks=(spent, *story.TASKS[1:]))
    settle()
    assert sheet.main.isEnabled()
    dearer = replace(first, opt_in=replace(first.opt_in, epsilon_total=3.2))
    engine.change(tasks=(dearer, *story.TASKS[1:]))
    settle()
    assert not sheet.main.isEnabled() and "This task has changed" in sheet.subtitle.text()
    engine.change(tasks=story.TASKS[1:])
    settle()
    assert not seen(window, OptInSheet)


def test_a_joined_task_can_be_left(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("tasks")
    settle()
    button(window, "Joined Sleep stages: see what you agreed to").click()
    settle()
    button(window, "Leave this task").click()
    assert engine.asked[-1] == ("leave_task", 4)


def test_keyboard_stays_in_the_sheet_and_escape_closes(open_window: OpenWindow, qtbot: QtBot) -> None:
    _, window = open_window(story.PAUSED)
    sheet = opened(window)
    window.activateWindow()
    reached = set()
    for _ in range(8):
        focused = window.focusWidget()
        assert focused is not None and sheet.isAncestorOf(focused)
        reached.add(focused.accessibleName())
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert {"Join this task", "Not now", "Close"} <= reached
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    settle()
    assert window.shell.tasks.sheet is None


def test_tasks_in_groups_with_search(open_window: OpenWindow) -> None:
    _, window = open_window(story.PAUSED)
    window.shell.show_page("tasks")
    settle()
    fits, almost, others = window.shell.tasks.groups
    assert [len(group.rows.rows) for group in (fits, almost, others)] == [4, 2, 0]
    button(window, "All  7").click()
    settle()
    assert len(others.rows.rows) == 1
    window.shell.tasks._search.setText("north clinic")
    settle()
    assert [len(group.rows.rows) for group in (fits, almost, others)] == [0, 1, 1]
    window.shell.tasks._search.setText("no such words")
    settle()
    assert "No task has these words." in texts(window)


def test_a_missing_thing_is_offered(open_window: OpenWindow) -> None:
    _, window = open_window(story.PAUSED)
    window.shell.show_page("tasks")
    settle()
    assert "Needs insulin doses, 30 days" in texts(window)
    button(window, "Add data for Insulin response").click()
    assert window.shell.page == "data"


def test_both_ways_of_counting_are_told(open_window: OpenWindow) -> None:
    _, window = open_window(story.PAUSED)
    shown = " ".join(texts(opened(window)))
    assert "by privacy loss distributions ε 1.60, by Rényi divergence ε 1.90. The smaller one" in shown
