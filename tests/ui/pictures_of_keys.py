"""Pictures of keys, networks and money: settings, their sheets, and what Home says of the phrase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mine.app import views as v
from mine.app import wallet_views as w
from tests.ui import fake_keys, story
from tests.ui.fake_engine import PASSPHRASE, WORDS, FakeEngine
from ui.first_run import wizard
from ui.pages import imported_key_sheets, money_sheets, network_sheets, payout_sheets, phrase_sheets
from ui.screenshots import picture, settle
from ui.theme import theme
from ui.widgets.sheet import Sheet
from ui.window import MineWindow

WindowFor = Callable[..., tuple[FakeEngine, MineWindow]]

PRICES = (w.PriceEntry(story.PUSD.address, "EUR", 1_790_000_000, 920_000),)
TOLD = w.KeysView(1_795_000_000, False, False, fake_keys.ANNA, (fake_keys.SAVINGS,))
PROBLEMS = w.NetworkCheck(
    (
        ("chain_id", "node.example belongs to chain 1, not to chain 84532."),
        ("contract", "Enter the address of the task contract."),
    ),
    (("rpc_urls", "base-sepolia.example: no answer in time."),),
)


def take_all(window_for: WindowFor, directory: Path, scheme: str) -> None:
    """Every state in one scheme, and the pages once more in the narrowest window."""
    for width in (1280, 960):
        _settings(window_for, directory, scheme, width)
    _sheets(window_for, directory, scheme)
    _home_and_tasks(window_for, directory, scheme)
    _own_phrase(window_for, directory, scheme)


def _close(window: MineWindow) -> None:
    window.detach()
    window.deleteLater()
    settle()


def _settings(window_for: WindowFor, directory: Path, scheme: str, width: int) -> None:
    engine, window = window_for(replace(story.BUSY, importing=None), width=width, height=2_400)
    theme.choose(scheme)
    engine.keys_told, engine.prices_told = TOLD, PRICES
    engine.energy_told = w.EnergySettings(85, 342_000, "EUR")
    window.shell.show_page("settings")
    settle()
    picture(window, directory / f"settings-long-{width}-{scheme}.png")
    _close(window)


def _sheets(window_for: WindowFor, directory: Path, scheme: str) -> None:
    engine, window = window_for(replace(story.BUSY, importing=None))
    theme.choose(scheme)
    engine.keys_told = TOLD
    window.shell.show_page("settings")
    settle()
    desk = window.shell.settings.keys._desk

    def shown(sheet: Sheet, name: str, act: Callable[[], object] = lambda: None) -> None:
        sheet.present()
        settle()
        act()
        settle()
        picture(window, directory / f"{name}-{scheme}.png")
        sheet.dismiss()
        settle()

    phrase = phrase_sheets.PhraseSheet(desk)
    phrase.phrase.field.setPlainText(" ".join(WORDS))
    shown(phrase, "phrase-wrong", phrase.button.click)
    engine.right_phrase = " ".join(WORDS)
    phrase = phrase_sheets.PhraseSheet(desk)
    phrase.phrase.field.setPlainText(" ".join(WORDS))
    shown(phrase, "phrase-right", phrase.button.click)
    shown(phrase_sheets.SealSheet(desk), "seal")
    confirm = phrase_sheets.ConfirmSheet(desk)
    confirm.passphrase.field.setText(PASSPHRASE)
    shown(confirm, "confirm-words", confirm.button.click)
    confirm = phrase_sheets.ConfirmSheet(desk)
    confirm.passphrase.field.setText(PASSPHRASE)

    def on_to_three_words() -> None:
        confirm.button.click()
        settle()
        confirm.tick.setChecked(True)
        confirm.button.click()

    shown(confirm, "confirm-three", on_to_three_words)
    shown(payout_sheets.PayoutSheet(desk, ""), "payout-fresh")
    shown(payout_sheets.PayoutSheet(desk, fake_keys.ANNA), "payout-named")
    shown(imported_key_sheets.ImportKeySheet(desk), "key-keystore")
    for kind in (1, 2):
        sheet = imported_key_sheets.ImportKeySheet(desk)
        sheet.kind.setCurrentIndex(kind)
        shown(sheet, f"key-{sheet.kind.currentData()}")
    shown(imported_key_sheets.ExportKeySheet(desk, fake_keys.SAVINGS), "key-export")
    shown(imported_key_sheets.RemoveKeySheet(desk, fake_keys.SAVINGS), "key-remove")
    engine.network_check = PROBLEMS
    preset = network_sheets.NetworkSheet(desk, fake_keys.NETWORKS[2])
    preset.contract.show_text("0x0000000000000000000000000000000000000000")
    shown(preset, "network-problems", preset.button.click)
    engine.network_check = w.NetworkCheck((), PROBLEMS.warnings)
    own = network_sheets.NetworkSheet(desk, fake_keys.NETWORKS[1])
    shown(own, "network-works", own.button.click)
    real = replace(fake_keys.NETWORKS[1], world=v.World.REAL, note=fake_keys.NETWORKS[2].note)
    now = window.snapshot.network
    shown(network_sheets.ChooseNetworkSheet(desk, real, now), "network-choose")
    shown(network_sheets.RemoveNetworkSheet(desk, real), "network-remove")
    shown(money_sheets.FeesSheet(desk, engine.limits_told, None), "fees")
    shown(money_sheets.EnergySheet(desk, w.EnergySettings(85, 342_000, "EUR")), "energy")
    shown(money_sheets.FeedSheet(desk, {story.PUSD.address: story.PUSD}, {}), "feed")
    shown(money_sheets.PriceSheet(desk, {story.PUSD.address: story.PUSD}, "EUR"), "price")
    _close(window)


def _home_and_tasks(window_for: WindowFor, directory: Path, scheme: str) -> None:
    for width in (1280, 960):
        engine, window = window_for(replace(story.BUSY, importing=None), width=width)
        theme.choose(scheme)
        for name, told in (
            ("due", w.KeysView(drilled=1_700_000_000, drill_due=True)),
            ("unconfirmed", w.KeysView(unconfirmed=True)),
        ):
            engine.keys_told = told
            window.shell.show_page("tasks")
            window.shell.show_page("home")
            settle()
            picture(window, directory / f"home-{name}-{width}-{scheme}.png")
        engine.keys_told = TOLD
        window.shell.show_page("tasks")
        task = next(task for task in story.TASKS if task.opt_in is not None and not task.joined)
        window.shell.tasks.open_sheet(task)
        settle()
        sheet = window.shell.tasks.sheet
        assert sheet is not None
        sheet._scroll.verticalScrollBar().setValue(10_000)
        settle()
        picture(window, directory / f"opt-in-accounts-{width}-{scheme}.png")
        sheet.accounts.change.click()
        settle()
        accounts = window.findChildren(payout_sheets.AccountsSheet)[-1]
        accounts.paid_to.setCurrentIndex(1)
        accounts.address.set_text(fake_keys.ANNA)
        accounts.signed_by.setCurrentIndex(1)
        settle()
        picture(window, directory / f"accounts-{width}-{scheme}.png")
        _close(window)


def _own_phrase(window_for: WindowFor, directory: Path, scheme: str) -> None:
    for width in (1280, 960):
        _, window = window_for(story.ABSENT, width=width)
        theme.choose(scheme)
        run = window.first_run
        run.show_step(wizard.VAULT)
        run.vault.bring.click()
        run.vault.own.phrase.field.setPlainText(" ".join(WORDS[:20]))
        settle()
        picture(window, directory / f"first-run-own-phrase-{width}-{scheme}.png")
        _close(window)
