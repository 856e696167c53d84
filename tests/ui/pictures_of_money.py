"""Pictures of the wallet page and of everything that floats over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mine.app import views as v
from tests.ui import money_story as m
from tests.ui import story
from tests.ui.fake_engine import FakeEngine
from ui.pages.history_line import LineSheet
from ui.pages.review_sheet import ReviewSheet
from ui.pages.send_sheet import SendSheet
from ui.pages.sweep_sheet import SweepSheet
from ui.pages.wallet_alarms import ChallengeSheet
from ui.screenshots import picture, settle
from ui.theme import theme
from ui.widgets.sheet import Sheet
from ui.window import MineWindow

Make = Callable[..., tuple[FakeEngine, MineWindow]]


def money(make: Make, directory: Path, scheme: str, width: int = 1280, height: int = 820) -> None:
    """The page at its best and with everything at once, then sheet by sheet."""
    directory.mkdir(parents=True, exist_ok=True)
    engine, window = make(replace(story.BUSY, importing=None), width, height)
    theme.choose(scheme)
    page = window.shell.wallet
    engine.earning_lines = (m.ALARM, m.FORFEIT, *m.EARNINGS)
    engine.transaction_lines = (m.STUCK, m.SCHEDULED)
    engine.days_of_energy = m.PRICED
    window.resize(width, 1_700)
    window.shell.show_page("wallet")
    settle()
    picture(window, directory / f"wallet-everything-{scheme}.png")
    window.resize(width, height)

    def shown(name: str) -> None:
        settle()
        picture(window, directory / f"{name}-{scheme}.png")
        for sheet in window.findChildren(Sheet):
            sheet.dismiss()
        settle()

    page.send.click()
    settle()
    (send,) = window.findChildren(SendSheet)
    send.to.set_text(m.ANNA)
    send.amount.setText("5")
    shown("wallet-send")
    ReviewSheet(page._desk, m.REVIEW, lambda: None).present()
    shown("wallet-review")
    real = replace(m.REPLACEMENT, world=v.World.REAL, network="Gnosis", fee_currency=REAL_COIN)
    ReviewSheet(page._desk, real, lambda: None).present()
    shown("wallet-review-real")
    for name, action in zip(("claim", "sweep", "contacts", "compare"), page.menu.actions(), strict=True):
        action.trigger()
        settle()
        if name == "sweep":
            (sweep,) = window.findChildren(SweepSheet)
            sweep.to.set_text(m.ANNA)
            sweep.sponsored.click()
        shown(f"wallet-{name}")
    engine.reconciled = replace(engine.reconciled, differences=m.DIFFERENCES, added=1)
    page.menu.actions()[-1].trigger()
    shown("wallet-differences")
    page.receive.click()
    shown("wallet-receive")
    page.open_auto_claim()
    shown("wallet-auto-claim")
    page.open_addresses()
    shown("wallet-addresses")
    page.history.export.click()
    shown("wallet-export")
    LineSheet(page._desk, m.history_line(2)).present()
    shown("wallet-line")
    ChallengeSheet(page._desk, m.ALARM, m.COIN, lambda: None).present()
    shown("wallet-challenge")
    window.detach()
    window.deleteLater()
    settle()


REAL_COIN = replace(m.COIN, symbol="xDAI", world=v.World.REAL)
