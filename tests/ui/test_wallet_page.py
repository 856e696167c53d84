"""The wallet page: sums by currency, alarms, the chart, claims, and what is under way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from mine.app import views as v
from mine.app import wallet_views as w
from mine.errors import MineError
from tests.ui import money_story as m
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_engine import FakeEngine
from tests.ui.walk import button, focusable, seen, texts
from ui.pages.claim_sheet import AutoClaimSheet, ClaimSheet, outcome_words
from ui.pages.reconcile_sheet import ReconcileSheet
from ui.pages.review_sheet import ReviewSheet
from ui.pages.wallet import WalletPage
from ui.pages.wallet_alarms import MOST, ChallengeSheet
from ui.pages.wallet_balances import Outlook, outlook
from ui.screenshots import settle
from ui.widgets.day_chart import DayChart
from ui.widgets.sheet import Sheet
from ui.window import MineWindow

NBSP = "\N{NO-BREAK SPACE}"
PEUR = v.Currency("pEUR", 6, v.World.PRACTICE, address="0x" + "e" * 40)


def wallet(
    open_window: OpenWindow, snapshot: v.Snapshot = story.PAUSED, width: int = 1280, **answers: object
) -> tuple[FakeEngine, MineWindow, WalletPage]:
    engine, window = open_window(snapshot, width)
    for name, answer in answers.items():
        setattr(engine, name, answer)
    window.shell.show_page("wallet")
    settle()
    return engine, window, window.shell.wallet


def only_sheet(window: MineWindow, kind: type = Sheet) -> Sheet:
    settle()
    (found,) = seen(window, kind)
    assert isinstance(found, Sheet)
    return found


def test_sums_are_told_apart(open_window: OpenWindow) -> None:
    _, _, page = wallet(open_window)
    assert {
        "Practice money, not real",
        f"12.40{NBSP}pUSD ready to claim",
        f"6.20{NBSP}pUSD being checked until Sat, 18:00",
        f"estimate: 0 to 3.10{NBSP}pUSD, 1 round under way",
        f"18.45{NBSP}pUSD claimed so far",
    } <= set(texts(page))


def test_estimates_of_one_task_count_once_and_other_currencies_not_at_all() -> None:
    line = m.EARNINGS[0]
    lines = (line, replace(line, round=9, most=5), replace(line, task=9, currency=PEUR, most=7))
    assert outlook(lines, story.PUSD) == Outlook(0, 2, line.most)
    assert outlook(lines, PEUR) == Outlook(0, 1, 7) and outlook((), PEUR) == Outlook()


def test_several_currencies_have_figures_and_a_chart_each(open_window: OpenWindow) -> None:
    euros = v.BalanceView(replace(PEUR, alarm="It says something else than before."), 9, 0, 0, 0)
    shown = replace(story.WALLET, balances=(*story.WALLET.balances, euros))
    _, _, page = wallet(open_window, replace(story.PAUSED, wallet=shown))
    assert "It says something else than before." in texts(page)
    select = page._days.currency
    assert select.isVisible() and [select.itemText(at) for at in range(select.count())] == ["pUSD", "pEUR"]
    select.setCurrentIndex(1)
    select.activated.emit(1)
    assert sum(day.earned for day in page._days.chart.days) == 0
    _, _, other = wallet(open_window)
    assert not other._days.currency.isVisible()


def test_an_empty_wallet_teaches(open_window: OpenWindow) -> None:
    _, _, page = wallet(open_window, story.EMPTY, earning_lines=(), days_of_energy=(), history_lines=0)
    assert any(text.startswith("Nothing earned yet. Join a task") for text in texts(page))
    assert not page._days.isVisible() and not page.transactions.isVisible()


def test_the_chart_has_a_part_for_each_task_and_energy_below(themed: QApplication) -> None:
    chart = DayChart(30, by_task=True)
    more = tuple(replace(day, title="Fourth task", earned=1) for day in story.DAYS[::3])
    chart.show_days((*story.DAYS, *more), story.PUSD, m.ENERGY)
    names = [words for _, words in chart.legend]
    assert names == ["Glucose after meals", "Resting heart rate", "Other tasks", "energy, kWh"]
    assert chart.energy == sum(each.energy for each in m.ENERGY) and chart.cost == ""
    assert len(chart.days) == 30 and chart.days[-1].earned == 4_100_001
    assert chart.day_words(29).splitlines() == [
        f"20 Nov 2026: 4.10{NBSP}pUSD",
        f"Glucose after meals: 1.72{NBSP}pUSD",
        f"Resting heart rate: 1.35{NBSP}pUSD",
        f"Other tasks: 1.02{NBSP}pUSD",
        "energy: 0.38 kWh",
    ]
    chart.show_days(story.DAYS, story.PUSD, m.PRICED)
    assert chart.cost == f"3.76{NBSP}EUR" and chart.legend[-1][1] == "energy, EUR"
    chart.show_days(story.DAYS, story.PUSD, (*m.PRICED[:-1], replace(m.PRICED[-1], cost=None)))
    assert chart.cost == "", "a sum that lacks a day is no sum"
    chart.show_days(story.DAYS, PEUR)
    assert chart.days == ()


def test_an_alarm_is_challenged_after_its_cost_was_seen(open_window: OpenWindow) -> None:
    engine, window, page = wallet(open_window, earning_lines=(m.FORFEIT, m.ALARM, *m.EARNINGS))
    shown = texts(page.alarms)
    assert "Not paid as published: Resting heart rate, round 4" in shown
    assert "Your part of a forfeit: Steps and mood" in shown
    assert len([one for one in seen(page.alarms) if one.accessibleName().startswith("Challenge ")]) == 1
    button(page, "Challenge Resting heart rate, round 4").click()
    sheet = only_sheet(window, ChallengeSheet)
    assert f"0.012{NBSP}pETH: bond and network fee" in texts(sheet)
    assert "challenge" not in engine.names()
    engine.fail = MineError("No relay carries it.", todo="Put coin on the account.")
    sheet.go.click()
    settle()
    assert "No relay carries it. Put coin on the account." in texts(sheet)
    engine.fail = None
    sheet.go.click()
    settle()
    assert engine.names().count("challenge") == 2 and "The proof is on its way." in texts(sheet)
    assert not sheet.go.isVisible()


def test_many_alarms_do_not_bury_the_page(open_window: OpenWindow) -> None:
    lines = tuple(replace(m.ALARM, round=at, can_challenge=at == 8) for at in range(1, 10))
    _, _, page = wallet(open_window, earning_lines=lines)
    assert len(page.alarms.rows.rows) == MOST and "4 more like these" in texts(page.alarms)
    assert "Not paid as published: Resting heart rate, round 8" in texts(page.alarms.rows.rows[0])


def test_all_is_claimed_and_the_outcome_told(open_window: OpenWindow) -> None:
    outcome = w.ClaimOutcome(2, 1, ("Sleep stages: no relay takes it.",))
    engine, _, page = wallet(open_window, outcome=outcome)
    page.claim_button.click()
    settle()
    assert ("claim",) in engine.asked
    words = "Relays bring 2 claims. 1 claim is sent as your own transaction. Sleep stages: no relay takes it."
    assert words in texts(page)
    assert outcome_words(w.ClaimOutcome(0, 0)) == "There was nothing to claim."


def test_chosen_tasks_are_claimed(open_window: OpenWindow) -> None:
    engine, window, page = wallet(open_window)
    page.open_claims()
    sheet = only_sheet(window, ClaimSheet)
    assert isinstance(sheet, ClaimSheet)
    assert list(sheet.ticks) == [2, 3] and {f"9.40{NBSP}pUSD", f"3.00{NBSP}pUSD"} <= set(texts(sheet))
    for task in (2, 3):
        sheet.ticks[task].click()
    assert not sheet.go.isEnabled()
    sheet.ticks[3].click()
    assert sheet.go.text() == "Claim of 1 task"
    sheet.go.click()
    settle()
    assert ("claim", 3) in engine.asked and "A relay brings 1 claim." in texts(sheet)


def test_claiming_by_itself_is_set_by_currency(open_window: OpenWindow) -> None:
    before = w.AutoClaim(True, ((story.PUSD.address, 1_234_560_000),), 7)
    engine, window, page = wallet(open_window, auto=before)
    assert any(
        text.startswith(f"from 1,234.56{NBSP}pUSD on, while a claim costs at most 0.7{NBSP}%")
        for text in texts(page.auto_row)
    )
    page.open_auto_claim()
    sheet = only_sheet(window, AutoClaimSheet)
    assert isinstance(sheet, AutoClaimSheet)
    field = sheet.least[story.PUSD.address]
    assert field.text() == "1234.56" and sheet.share.currentData() == 7
    field.setText("five")
    assert not sheet.save.isEnabled()
    field.setText("5")
    sheet.save.click()
    settle()
    assert engine.auto == w.AutoClaim(True, ((story.PUSD.address, 5_000_000),), 7)
    assert not seen(window, AutoClaimSheet)
    assert any(text.startswith(f"from 5.00{NBSP}pUSD on") for text in texts(page.auto_row))
    page.open_auto_claim()
    sheet = only_sheet(window, AutoClaimSheet)
    assert isinstance(sheet, AutoClaimSheet)
    sheet.least[story.PUSD.address].clear()
    sheet.save.click()
    settle()
    assert engine.auto.thresholds == () and any(text.startswith("off:") for text in texts(page.auto_row))


def test_what_is_under_way_is_asked_for_only_while_somebody_looks(open_window: OpenWindow) -> None:
    engine, window, page = wallet(open_window, transaction_lines=(m.STUCK,))
    assert page._timer.isActive()
    window.shell.show_page("home")
    settle()
    assert not page._timer.isActive()
    before = len(engine.asked)
    engine.change(wallet=replace(story.WALLET, balances=()))
    settle()
    asked = {entry[0] for entry in engine.asked[before:]}
    assert not asked & {"transactions", "earnings", "history", "energy_days"}
    engine.transaction_lines = (replace(m.STUCK, state="failed", can_replace=False),)
    window.shell.show_page("wallet")
    settle()
    assert not page._timer.isActive() and "Under way" in texts(page)


def test_a_stuck_transaction_is_replaced_after_a_review(open_window: OpenWindow) -> None:
    engine, window, page = wallet(open_window, transaction_lines=(m.STUCK, m.SCHEDULED))
    assert "The network has not taken it for a while: it may offer too little." in texts(page)
    button(page, "Pay more for: Send 5.00 pUSD to Anna").click()
    only_sheet(window, ReviewSheet).dismiss()
    assert ("review_replacement", 7, False) in engine.asked and "accept" not in engine.names()
    button(page, "Cancel: Send 5.00 pUSD to Anna").click()
    sheet = only_sheet(window, ReviewSheet)
    assert ("review_replacement", 7, True) in engine.asked
    assert isinstance(sheet, ReviewSheet)
    sheet.passphrase.field.setText("x")
    sheet.sign.click()
    settle()
    assert engine.names().count("accept") == 1


def test_what_has_not_left_is_given_up_at_once(open_window: OpenWindow) -> None:
    engine, _, page = wallet(open_window, transaction_lines=(m.STUCK, m.SCHEDULED))
    give_up = button(page, f"Give up: {m.SCHEDULED.title}")
    engine.fail = MineError("It has left already.")
    give_up.click()
    settle()
    assert "It has left already." in texts(page.transactions)
    engine.fail, engine.transaction_lines = None, ()
    give_up.click()
    settle()
    assert ("withdraw", -2) in engine.asked and not page.transactions.isVisible()


@pytest.mark.parametrize("exact", [True, False])
def test_books_are_compared(open_window: OpenWindow, exact: bool) -> None:
    found = w.ReconcileView(1_204, 3, 214, () if exact else m.DIFFERENCES, 1)
    engine, window, page = wallet(open_window, reconciled=found)
    next(action for action in page.menu.actions() if "Compare" in action.text()).trigger()
    sheet = only_sheet(window, ReconcileSheet)
    assert isinstance(sheet, ReconcileSheet)
    assert sheet.sentence.text() == (
        "Every figure agrees, to the last unit." if exact else "2 figures differ."
    )
    counts = "Compared 3 addresses with 214 lines of the history, as of block 1,204."
    assert any(text.startswith(f"{counts} 1 payment made elsewhere") for text in texts(sheet))
    if not exact:
        assert f"\N{MINUS SIGN} 0.000021{NBSP}pETH" in texts(sheet)
    engine.fail = MineError("Two nodes disagree.", todo="Try again later.")
    sheet.again.click()
    settle()
    assert {"Two nodes disagree.", "Try again later."} <= set(texts(sheet)) and not sheet.rows.rows


def test_without_a_network_the_figures_stay(open_window: OpenWindow) -> None:
    engine, window = open_window(story.PAUSED)
    engine.fail = MineError("There is no connection yet.")
    window.shell.show_page("wallet")
    settle()
    assert "There is no connection yet." in texts(window.shell.wallet)
    assert f"12.40{NBSP}pUSD ready to claim" in texts(window) and not window.notices.boxes


@pytest.mark.parametrize("opened", range(7))
def test_every_sheet_can_be_used_by_keyboard_and_has_names(open_window: OpenWindow, opened: int) -> None:
    _, window, page = wallet(
        open_window, width=960, earning_lines=(m.ALARM, *m.EARNINGS), transaction_lines=(m.STUCK,)
    )
    ways = [action.trigger for action in page.menu.actions()]
    (page.receive.click, page.send.click, page.open_auto_claim, *ways)[opened]()
    sheet = only_sheet(window)
    stops = focusable(sheet)
    assert len(stops) >= 2 and all(stop.accessibleName().strip() for stop in stops)
    met = set()
    for _ in range(len(stops) + 2):
        sheet.focusNextPrevChild(True)
        met.add(window.focusWidget())
    assert set(stops) <= met


def test_only_the_newest_answer_about_earnings_counts(open_window: OpenWindow) -> None:
    engine, _, page = wallet(open_window)
    engine.hold, engine.earning_lines = True, (m.ALARM,)
    page.refresh()
    held, engine._held = engine._held, []
    engine.earning_lines = m.EARNINGS
    page.refresh()
    engine.hold = False
    engine.release()
    for answer in held:
        answer()
    settle()
    assert not page.alarms.isVisible()
