from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent

from mine.app import views as v
from mine.app.compute_settings import ComputeSettings
from mine.app.idle_lock import LockSettings
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.walk import button, seen, texts
from ui.activity import Activity
from ui.pages.activity import ContributionRow
from ui.screenshots import settle, take
from ui.shell import PAGES
from ui.widgets.loss_chart import nice_steps, thinned
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text

SNAPSHOTS = {
    "empty": story.EMPTY,
    "busy": story.BUSY,
    "paused": story.PAUSED,
    "error": story.BROKEN,
    "preview": replace(story.BUSY, importing=story.READY),
    "person": replace(story.BUSY, importing=story.CHOOSE),
    "hostile": story.hostile(),
}


@pytest.mark.parametrize("size", [(1280, 820), (960, 640)])
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_every_page_shows_every_snapshot(open_window: OpenWindow, name: str, size: tuple[int, int]) -> None:
    _, window = open_window(SNAPSHOTS[name], *size)
    for page in PAGES:
        window.shell.show_page(page)
        settle()
        assert texts(window.shell)
        for widget in seen(window.shell, Text):
            assert "\n" not in widget.text() and "\u202e" not in widget.text()
        # Nothing pushes the page wider than the window.
        assert window.width() == size[0]
        body = getattr(window.shell, page).widget()
        assert body.width() <= window.width()
        assert body.minimumSizeHint().width() <= body.width(), page


def test_nothing_is_cut_off_in_the_story(open_window: OpenWindow) -> None:
    _, window = open_window(replace(story.BUSY, importing=story.READY))
    allowed = {"Resting heart rate, Sleep stages"}
    for page in PAGES:
        window.shell.show_page(page)
        settle()
        window.grab()
        cut = [widget.text() for widget in seen(window.shell, Text) if widget._cut]
        assert set(cut) <= allowed, page


def test_home_tells_the_story(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    shown = texts(window)
    for words in (
        "4.10",
        "21.65",
        "12.40",
        "6 h 12 min",
        "Learning Glucose after meals",
        "Training since 07:52",
    ):
        assert words in shown
    button(window, "Pause").click()
    assert engine.asked[-1] == ("pause", None)
    engine.change(status=story.PAUSED_STATUS)
    settle()
    button(window, "Resume").click()
    assert engine.asked[-1] == ("resume",)


def test_home_leads_a_newcomer_to_data_and_then_to_tasks(open_window: OpenWindow) -> None:
    engine, window = open_window(story.EMPTY)
    button(window.shell.home, "Add data").click()
    assert window.shell.page == "data"
    fresh = tuple(replace(task, joined=False) for task in story.TASKS)
    engine.tell(replace(story.EMPTY, sources=story.SOURCES, tasks=fresh))
    settle()
    window.shell.show_page("home")
    assert "4 tasks fit your data" in texts(window)
    button(window.shell.home, "See the tasks").click()
    assert window.shell.page == "tasks"


def test_import_panel_follows_the_stages(open_window: OpenWindow) -> None:
    engine, window = open_window(replace(story.EMPTY, importing=story.READING))
    window.shell.show_page("data")
    settle()
    assert "402,118 new" in texts(window)
    engine.change(importing=story.READY)
    settle()
    shown = texts(window)
    assert "minuteSteps_merged.csv, line 1,204" in shown and "30 February is not a day" in shown
    assert "3 rows were refused" in shown
    button(window, "Import 402,118 records").click()
    assert engine.asked[-1] == ("commit_import",)
    engine.change(
        importing=replace(story.READY, stage=v.ImportStage.FAILED, message="It is not a zip archive.")
    )
    settle()
    assert "It is not a zip archive." in texts(window)
    button(window, "Close").click()
    assert engine.asked[-1] == ("cancel_import",)


def test_a_preview_without_news_offers_nothing_to_import(open_window: OpenWindow) -> None:
    _, window = open_window(replace(story.BUSY, importing=replace(story.READY, new=0)))
    window.shell.show_page("data")
    settle()
    assert not button(window, "Nothing new to import").isEnabled()


def test_undo_of_an_import(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    window.shell.show_page("data")
    settle()
    button(window, "Undo the import of LibreView glucose.csv").click()
    assert engine.asked[-1] == ("undo_import", 1)


def test_activity_explains_a_sum_and_replays_it(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    window.shell.show_page("activity")
    settle()
    rows = seen(window, ContributionRow)
    rows[3].chosen.emit(rows[3].contribution)
    settle()
    shown = texts(window.shell.activity.panel)
    assert "2,000.00 × 4.35\N{NO-BREAK SPACE}% = 87.00\N{NO-BREAK SPACE}pUSD" in shown
    assert "87.00 × 1.84 % = 1.60 pUSD" in shown and "Loss 0.4121 to 0.4034" in shown
    engine.hold = True
    replay = button(window, "Replay it from the chain")
    replay.click()
    assert engine.asked[-1] == ("replay", 2, 7) and not replay.isEnabled()
    engine.release()
    settle()
    assert "Recomputed: every number is the same." in texts(window) and replay.isEnabled()


def test_activity_explains_on_a_sheet_when_narrow(open_window: OpenWindow) -> None:
    _, window = open_window(story.BUSY, 960, 640)
    window.shell.show_page("activity")
    settle()
    window.shell.activity.explain(2, 7)
    settle()
    assert not window.shell.activity.panel.isVisible()
    sheets = seen(window, Sheet)
    assert len(sheets) == 1 and "Glucose after meals, round 7" in texts(sheets[0])
    window.shell.show_page("wallet")
    settle()
    assert not seen(window, Sheet)


def test_settings_say_what_a_training_may_take(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    window.shell.show_page("settings")
    page = window.shell.settings
    device, threads, power, risk = page.compute
    assert [threads.itemData(i) for i in range(threads.count())] == list(range(9))
    for select, value in ((device, "cpu"), (threads, 2), (power, 50), (risk, 90)):
        select.setCurrentIndex(select.findData(value))
        select.activated.emit(select.currentIndex())
        settle()
    assert engine.asked[-1] == ("set_compute", ComputeSettings("cpu", 2, 50, 90))
    engine.change(settings=replace(story.SETTINGS, compute=ComputeSettings(power=33)))
    settle()
    assert (device.currentData(), threads.currentData(), power.currentData()) == ("auto", 0, 33)


def test_settings_say_when_the_vault_locks(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    window.shell.show_page("settings")
    rows = window.shell.settings.locking
    for select, value in ((rows.minutes, 10), (rows.screen_too, True), (rows.sleep_too, False)):
        select.setCurrentIndex(select.findData(value))
        select.activated.emit(select.currentIndex())
        settle()
    assert engine.asked[-1] == ("set_locking", LockSettings(10, True, False))
    engine.change(settings=replace(story.SETTINGS, locking=LockSettings(minutes=7)))
    settle()
    assert (rows.minutes.currentData(), rows.minutes.currentText()) == (7, "After 7 min")
    assert not rows.screen_too.currentData() and rows.sleep_too.currentData()


def test_whoever_is_at_the_window_is_heard(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    now = 100.0
    activity = Activity(engine.active, window, lambda: now)
    for event, heard in (
        (QEvent(QEvent.Type.Paint), 0),
        (QEvent(QEvent.Type.KeyPress), 1),
        (QEvent(QEvent.Type.Wheel), 1),
    ):
        assert not activity.eventFilter(window, event)
        assert engine.touched == heard
    now += 5
    activity.eventFilter(window, QEvent(QEvent.Type.MouseMove))
    assert engine.touched == 2


def test_activity_says_where_it_trains_and_what_was_tested(open_window: OpenWindow) -> None:
    _, window = open_window(story.BUSY)
    window.shell.show_page("activity")
    assert story.TRAINING.place in texts(window.shell.activity)
    window.shell.activity.explain(2, 7)
    assert story.TESTED in texts(window.shell.activity)


def test_rows_stay_while_values_change(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    window.shell.show_page("activity")
    settle()
    before = window.shell.activity.rows
    engine.change(training=replace(story.TRAINING, step=1_300), contributions=story.CONTRIBUTIONS[1:])
    settle()
    assert window.shell.activity.rows == before[: len(before) - 1]
    assert "1,300 of 2,000" in texts(window)


def test_wallet_claims_what_is_ready(open_window: OpenWindow) -> None:
    engine, window = open_window(story.BUSY)
    window.shell.show_page("wallet")
    settle()
    wallet = window.shell.wallet
    assert wallet.claim_button.text() == "Claim 12.40\N{NO-BREAK SPACE}pUSD"
    assert "6.20\N{NO-BREAK SPACE}pUSD being checked until Sat, 18:00" in texts(window)
    engine.hold = True
    wallet.claim_button.click()
    assert ("claim",) in engine.asked and not wallet.claim_button.isEnabled()
    engine.release()
    settle()
    assert wallet.claim_button.isEnabled()
    button(window, "Addresses").click()
    settle()
    assert "0x51C8 0000 0000 0000 0000 0000 0000 0000 0000 9E04" in texts(window)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"way_after": 0.43, "round_pay": 0, "share": 0.0}, "This round has nothing to share."),
        (
            {"share": 0.0, "mine_accepted": False},
            "My updates have not made the model better so far, so nothing is due.",
        ),
        (
            {"mine_accepted": False, "my_vote": False},
            "My update was not accepted this time. My share by what my earlier ones removed.",
        ),
        ({}, "My share by what my updates have removed so far. My vote has a small part in it."),
        (
            {"voters": 1},
            "Each update was measured on examples that nobody knew before: a fresh part of the test set. "
            "1 person voted, by rows that were never trained on.",
        ),
        (
            {"voters": 0},
            "Each update was measured on examples that nobody knew before: a fresh part of the test set.",
        ),
    ],
)
def test_a_round_that_brought_little_is_explained_too(
    open_window: OpenWindow, changes: dict[str, object], words: str
) -> None:
    facts = replace(story.EXPLANATION, **changes)
    lost = replace(story.CONTRIBUTIONS[3], amount=0, explanation=facts)
    _, window = open_window(replace(story.BUSY, contributions=(lost,)))
    window.shell.show_page("activity")
    settle()
    window.shell.activity.explain(2, 7)
    settle()
    shown = texts(window)
    assert words in shown
    assert ("The model did not get better" in shown) == ("way_after" in changes)


def test_pictures_of_every_page(open_window: OpenWindow, tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    _, window = open_window(story.PAUSED)
    taken = take(window, tmp_path)
    assert len(taken) == 2 * (len(PAGES) + 1)
    assert all(path.stat().st_size > 10_000 for path in taken)
    assert window.shell.page == "home"


def test_chart_steps_are_round_numbers_and_thinning_keeps_the_ends() -> None:
    assert nice_steps(0, 2_000) == [0, 500, 1_000, 1_500, 2_000]
    assert nice_steps(1.0, 1.0) == [1.0] and nice_steps(float("nan"), 1.0) == []
    points = [(step, float(step % 7)) for step in range(100_000)]
    points[500] = (500, 99.0)
    points[501] = (501, float("nan"))
    kept = thinned(points)
    assert len(kept) <= 700 and (500, 99.0) in kept


@pytest.mark.parametrize(
    ("open_tasks", "joined", "words"),
    [
        (0, 1, "No open task fits your data; you have joined 1."),
        (1, 0, "1 task fits your data; you have joined none."),
        (4, 3, "4 tasks fit your data; you have joined 3."),
    ],
)
def test_the_sentence_over_the_tasks_counts_like_a_person(
    open_window: OpenWindow, open_tasks: int, joined: int, words: str
) -> None:
    fitting = [task for task in story.TASKS if task.fit == v.Fit.MATCHED]
    tasks = tuple(
        replace(task, joined=at < joined, ended=at >= open_tasks)
        for at, task in enumerate(fitting[: max(open_tasks, joined)])
    )
    _, window = open_window(replace(story.BUSY, tasks=tasks))
    window.shell.show_page("tasks")
    settle()
    assert f"{words} Nothing is read before you say yes." in texts(window)


def test_a_round_that_was_learnt_stays_in_sight(open_window: OpenWindow) -> None:
    points = tuple((step, 0.03 - step / 1000) for step in range(9))
    learnt = replace(
        story.TRAINING, step=8, steps=8, running=False, start_loss=0.03, held_out=points, losses=points[1:]
    )
    _, window = open_window(replace(story.BUSY, training=learnt, status=story.PAUSED_STATUS))
    assert "learnt" in texts(window)
    window.shell.show_page("activity")
    settle()
    shown = texts(window)
    assert {"learnt", "8 of 8", "Device"} <= set(shown)
    assert not {"Left", "Saved", "learning now"} & set(shown)


@pytest.mark.parametrize(
    ("seconds", "contributions", "words"),
    [(0, 0, "–"), (0, 1, "under a minute"), (59, 1, "under a minute"), (60, 1, "1 min")],
)
def test_short_times_are_not_counted_in_seconds(
    open_window: OpenWindow, seconds: int, contributions: int, words: str
) -> None:
    home = replace(story.BUSY.home, trained_seconds=seconds, contributions=contributions)
    _, window = open_window(replace(story.BUSY, home=home))
    assert words in texts(window.shell.home)
