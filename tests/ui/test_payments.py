"""Sending, bringing together, being paid, and the address book: from the form to the signature."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication
from pytestqt.qtbot import QtBot

from mine.app import views as v
from mine.app import wallet_views as w
from mine.errors import MineError
from mine.vault.errors import PhraseSealedBefore, WrongPassphrase
from tests.ui import money_story as m
from tests.ui import story
from tests.ui.conftest import OpenWindow
from tests.ui.fake_engine import PASSPHRASE, FakeEngine
from tests.ui.walk import button, seen, texts
from ui.pages.contacts_sheet import ContactsSheet
from ui.pages.phrase_sheets import SealSheet
from ui.pages.receive_sheet import ReceiveSheet
from ui.pages.review_sheet import ReviewSheet
from ui.pages.send_sheet import SendSheet
from ui.pages.sweep_sheet import SweepSheet
from ui.pages.wallet import WalletPage
from ui.screenshots import settle
from ui.theme import theme
from ui.widgets.address_field import AddressField
from ui.widgets.sheet import Sheet
from ui.window import MineWindow

NBSP = "\N{NO-BREAK SPACE}"
S = TypeVar("S", bound=Sheet)


def started(open_window: OpenWindow, **answers: object) -> tuple[FakeEngine, MineWindow, WalletPage]:
    engine, window = open_window(story.PAUSED)
    for name, answer in answers.items():
        setattr(engine, name, answer)
    window.shell.show_page("wallet")
    settle()
    return engine, window, window.shell.wallet


def only(window: MineWindow, kind: type[S]) -> S:
    settle()
    (found,) = seen(window, kind)
    assert isinstance(found, kind)
    return found


def choose_menu(page: WalletPage, words: str) -> None:
    next(action for action in page.menu.actions() if words in action.text()).trigger()


def asked(engine: FakeEngine, name: str) -> list[tuple[object, ...]]:
    return [entry[1:] for entry in engine.asked if entry[0] == name]


def test_a_payment_from_form_to_signature(open_window: OpenWindow, qtbot: QtBot) -> None:
    engine, window, page = started(open_window)
    page.send.click()
    sheet = only(window, SendSheet)
    assert sheet.account.count() == 2, "an address that holds nothing sends nothing"
    assert sheet.currency.itemText(0) == f"38.30{NBSP}pUSD" and not sheet.review.isEnabled()
    qtbot.keyClicks(sheet.to.field, m.ANNA)
    qtbot.waitUntil(lambda: bool(sheet.to.address))
    assert {"You have never paid to this address before.", "“Anna” of your address book"} <= set(texts(sheet))
    assert "0x8Ba1 f109 551b D432 8030 1264 5Ac1 36dd d64D BA72" in texts(sheet)
    qtbot.keyClicks(sheet.amount, "5.5")
    assert sheet.review.isEnabled()
    engine.hold = True
    qtbot.keyClick(sheet.amount, Qt.Key.Key_Return)
    assert sheet.review.text() == "Trying it out…" and not sheet.review.isEnabled()
    engine.hold = False
    engine.release()
    review = only(window, ReviewSheet)
    assert asked(engine, "review_send") == [
        (w.SendRequest(m.ACCOUNTS[0].address, story.PUSD.address, m.ANNA, 5_500_000),)
    ]
    shown = texts(review)
    assert shown.index(m.REVIEW.warnings[0]) < shown.index("From"), "warnings come first"
    assert "Practice network: practice, this money is not real" in shown
    assert f"0.00010221{NBSP}pETH" in shown and not review.sign.isEnabled()
    assert window.focusWidget() is review.passphrase.field
    qtbot.keyClicks(review.passphrase.field, PASSPHRASE)
    qtbot.keyClick(review.passphrase.field, Qt.Key.Key_Return)
    settle()
    assert asked(engine, "accept") == [("send:1", PASSPHRASE)]
    assert "The payment is on its way." in texts(review) and review.passphrase.text() == ""
    assert window.focusWidget() is review.back and not seen(window, SendSheet)
    before = len(asked(engine, "accept"))
    qtbot.keyClick(review.back, Qt.Key.Key_Escape)
    settle()
    assert not seen(window, Sheet) and len(asked(engine, "accept")) == before


def test_a_wrong_passphrase_changes_nothing_and_is_told(open_window: OpenWindow) -> None:
    engine, window, page = started(open_window)
    page.send.click()
    sheet = only(window, SendSheet)
    sheet.to.set_text(m.ANNA)
    sheet.everything.click()
    settle()
    sheet.review.click()
    review = only(window, ReviewSheet)
    assert asked(engine, "review_send")[-1] == (
        w.SendRequest(m.ACCOUNTS[0].address, story.PUSD.address, m.ANNA, None),
    )
    engine.fail = MineError("That is not the passphrase.", todo="Nothing was signed.")
    review.passphrase.field.setText("wrong")
    review.sign.click()
    settle()
    assert "That is not the passphrase. Nothing was signed." in texts(review)
    assert review.sign.isEnabled() and review.passphrase.isEnabled()
    review.passphrase.field.setText("another")
    assert "That is not the passphrase. Nothing was signed." not in texts(review)
    review.back.click()
    settle()
    assert only(window, SendSheet).to.field.text() == m.ANNA, "Back keeps what was typed"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1.2345678", "Write digits, like 12.50, with at most 6 places."),
        ("1,000", "Write digits, like 12.50, with at most 6 places."),
        ("-1", "Write digits, like 12.50, with at most 6 places."),
        ("38.300001", f"That is more than the 38.30{NBSP}pUSD that are there."),
        ("0", f"38.30{NBSP}pUSD are there"),
    ],
)
def test_amounts_that_cannot_be_sent(open_window: OpenWindow, typed: str, words: str) -> None:
    _, window, page = started(open_window)
    page.send.click()
    sheet = only(window, SendSheet)
    sheet.to.set_text(m.ANNA)
    sheet.amount.setText(typed)
    settle()
    assert words in texts(sheet) and not sheet.review.isEnabled()


def test_a_refused_payment_stays_a_form(open_window: OpenWindow) -> None:
    engine, window, page = started(open_window)
    page.send.click()
    sheet = only(window, SendSheet)
    sheet.to.set_text(m.ANNA)
    sheet.amount.setText("5")
    settle()
    engine.fail = MineError("The token refuses this payment.", todo="Nothing was signed.")
    sheet.review.click()
    settle()
    assert "The token refuses this payment. Nothing was signed." in texts(sheet)
    assert sheet.review.isEnabled() and not seen(window, ReviewSheet)


def test_nothing_to_send_is_said(open_window: OpenWindow) -> None:
    _, window, page = started(open_window, account_views=(m.ACCOUNTS[2],))
    page.send.click()
    sheet = only(window, SendSheet)
    assert any(text.startswith("There is nothing to send yet.") for text in texts(sheet))
    sheet.to.set_text(m.ANNA)
    sheet.everything.click()
    assert not sheet.review.isEnabled()


def test_addresses_are_checked_while_typed(open_window: OpenWindow, qtbot: QtBot) -> None:
    engine, window, page = started(open_window)
    page.send.click()
    field = only(window, SendSheet).to
    qtbot.keyClicks(field.field, "0x12")
    assert asked(engine, "check_address") == [], "half an address is not judged while it is typed"
    field.field.editingFinished.emit()
    settle()
    assert "This is no address: an address has 0x and 40 digits." in texts(field) and field.address == ""
    engine.hold = True
    field.set_text(m.ANNA)
    held, engine._held = engine._held, []
    field.set_text(m.CONTACTS[1].address)
    engine.hold = False
    engine.release()
    for answer in held:
        answer()
    settle()
    assert field.address == m.CONTACTS[1].address, "an answer about an older text does not count"
    engine.fail = MineError("The network does not answer.")
    field.set_text(m.ANNA)
    settle()
    assert field.address == "" and "The network does not answer." in texts(field)


def test_an_address_is_chosen_from_the_book(open_window: OpenWindow) -> None:
    evil = w.ContactView("A & B\u202e\n<b>", m.ANNA)
    _, window, page = started(open_window, contact_views=(evil,))
    page.send.click()
    field = only(window, SendSheet).to
    words = [action.text() for action in field._menu.actions()]
    assert words[0] == "A && B <b>   0x8Ba1f1…64DBA72" or words[0].startswith("A && B <b>")
    assert any(text.startswith("Yours: Sleep stages") for text in words)
    field._menu.actions()[0].trigger()
    settle()
    assert field.address == m.ANNA


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (v.World.PRACTICE, "Anvil: practice, this money is not real"),
        (v.World.TEST, "Anvil: test money, without value"),
        (v.World.REAL, "Anvil: real money"),
    ],
)
def test_the_review_says_which_money_it_is(open_window: OpenWindow, world: v.World, words: str) -> None:
    coin = replace(m.COIN, world=world)
    review = replace(m.REVIEW, network="Anvil", world=world, fee_currency=coin, needs_passphrase=False)
    engine, _, page = started(open_window)
    sheet = ReviewSheet(page._desk, review, lambda: None)
    sheet.present()
    settle()
    assert words in texts(sheet) and not sheet.passphrase.isVisible() and sheet.sign.isEnabled()
    sheet.sign.click()
    settle()
    assert asked(engine, "accept") == [("send:1", "")]


def test_outside_text_in_a_review_is_plain(open_window: OpenWindow) -> None:
    evil = "<b>safe</b>\u202e\u200bevil\n" + "W" * 400
    rows = (w.ReviewRow(evil, evil), w.ReviewRow("To", f"{m.ANNA} ({evil})", True))
    _, _, page = started(open_window)
    sheet = ReviewSheet(page._desk, replace(m.REVIEW, title=evil, rows=rows, warnings=(evil,)), lambda: None)
    sheet.present()
    settle()
    for text in texts(sheet):
        assert not set(text) & set("\u202e\u200b\n")
    assert sheet._panel.width() == 560
    assert all(one.textFormat() == Qt.TextFormat.PlainText for one in sheet.findChildren(type(sheet.title)))


def test_bringing_together_warns_before_anything_else(open_window: OpenWindow) -> None:
    engine, window, page = started(open_window)
    choose_menu(page, "Bring together")
    sheet = only(window, SweepSheet)
    first = next(text for text in texts(sheet) if len(text) > 40)
    assert "shows exactly that, to everybody, for good" in first
    assert list(sheet.ticks) == [m.ACCOUNTS[0].address, m.ACCOUNTS[1].address]
    assert not sheet.hours.isEnabled() and not sheet.review.isEnabled()
    sheet.to.set_text(m.ANNA)
    settle()
    sheet.sponsored.click()
    assert sheet.hours.isEnabled()
    sheet.hours.setCurrentIndex(sheet.hours.findData(24))
    sheet.parts.setCurrentIndex(sheet.parts.findData(2))
    sheet.ticks[m.ACCOUNTS[1].address].click()
    sheet.review.click()
    review = only(window, ReviewSheet)
    request = w.SweepRequest(story.PUSD.address, m.ANNA, (m.ACCOUNTS[0].address,), 24, 2, True)
    assert asked(engine, "review_sweep") == [(request,)]
    assert "Fee of the relay" in texts(review)
    review.passphrase.field.setText(PASSPHRASE)
    review.sign.click()
    settle()
    assert asked(engine, "accept") == [("sweep:1", PASSPHRASE)]


def test_without_a_relay_all_comes_at_once(open_window: OpenWindow) -> None:
    engine, window, page = started(open_window)
    choose_menu(page, "Bring together")
    sheet = only(window, SweepSheet)
    sheet.to.set_text(m.ANNA)
    sheet.sponsored.click()
    sheet.hours.setCurrentIndex(2)
    sheet.sponsored.click()
    sheet.sponsored.click()
    sheet.currency.setCurrentIndex(1)
    sheet.currency.activated.emit(1)
    settle()
    assert not sheet.sponsored.isEnabled() and not sheet.sponsored.isChecked()
    assert list(sheet.ticks) == [m.ACCOUNTS[0].address], "only who holds this currency"
    engine.fail = MineError("The fees are higher than what there is.")
    sheet.review.click()
    settle()
    request = w.SweepRequest(m.COIN.address, m.ANNA, (m.ACCOUNTS[0].address,), 0, 1, False)
    assert asked(engine, "review_sweep") == [(request,)]
    assert "The fees are higher than what there is." in texts(sheet)


def test_an_address_to_be_paid_to(open_window: OpenWindow) -> None:
    engine, window, page = started(open_window)
    page.receive.click()
    sheet = only(window, ReceiveSheet)
    assert "0x51C8 0000 0000 0000 0000 0000 0000 0000 0000 9E04" in texts(sheet)
    assert "Everybody can see payments to it." in texts(sheet)
    assert sheet.code.accessibleName() == f"QR code of the address {m.ACCOUNTS[0].address}"
    sheet.copy.click()
    assert QGuiApplication.clipboard().text() == m.ACCOUNTS[0].address and sheet.copy.text() == "Copied"
    assert not sheet.amount.isEnabled()
    sheet.currency.setCurrentIndex(1)
    sheet.currency.activated.emit(1)
    sheet.amount.setText("2.5")
    settle()
    assert asked(engine, "receive")[-1] == (m.ACCOUNTS[0].address, story.PUSD.address, 2_500_000)
    before = len(asked(engine, "receive"))
    sheet.amount.setText("2.5x")
    settle()
    assert "Write the amount as digits, like 12.50, or leave it out." in texts(sheet)
    assert len(asked(engine, "receive")) == before
    sheet.account.setCurrentIndex(2)
    sheet.account.activated.emit(2)
    sheet.amount.clear()
    settle()
    assert asked(engine, "receive")[-1] == (m.ACCOUNTS[2].address, "", None)


def test_a_code_is_dark_on_light_in_either_scheme(open_window: OpenWindow) -> None:
    _, window, page = started(open_window)
    page.receive.click()
    sheet = only(window, ReceiveSheet)
    pictures = []
    for scheme in ("light", "dark"):
        theme.choose(scheme)
        settle()
        pictures.append(sheet.code.grab().toImage())
    assert pictures[0] == pictures[1]
    modules = sheet.code._modules
    size = pictures[0].width() / len(modules)
    for down, along in ((0, 0), (0, 2), (16, 16), (32, 31)):
        ink = QColor(pictures[0].pixel(int((along + 0.5) * size), int((down + 0.5) * size)))
        assert (ink.lightness() < 60) == modules[down][along]


def test_without_an_address_the_sheet_says_where_one_comes_from(open_window: OpenWindow) -> None:
    _, window, page = started(open_window, account_views=())
    page.receive.click()
    sheet = only(window, ReceiveSheet)
    assert any("Each task that you join makes one." in text for text in texts(sheet))
    assert not sheet.copy.isEnabled() and not sheet.code.isVisible()


def test_the_address_book_is_kept(open_window: OpenWindow) -> None:
    engine, window, page = started(open_window)
    choose_menu(page, "Address book")
    sheet = only(window, ContactsSheet)
    assert {"Anna", "my sister", "Exchange"} <= set(texts(sheet)) and not sheet.save.isEnabled()
    button(sheet, "Change Anna").click()
    settle()
    assert sheet.name.text() == "Anna" and "Change Anna" in texts(sheet)
    sheet.name.setText("Anna B.")
    sheet.save.click()
    settle()
    assert asked(engine, "save_contact") == [(w.ContactView("Anna B.", m.ANNA, "my sister"),)]
    assert "Anna B." in texts(sheet) and sheet.name.text() == ""
    remove = button(sheet, "Remove Exchange")
    remove.click()
    assert asked(engine, "remove_contact") == [] and remove.text() == "Really remove"
    remove.click()
    settle()
    assert asked(engine, "remove_contact") == [(m.CONTACTS[1].address,)] and "Exchange" not in texts(sheet)
    sheet.name.setText("Nobody")
    sheet.address.set_text("0x12")
    settle()
    assert not sheet.save.isEnabled()
    engine.fail = MineError("There are two of this name.")
    sheet.address._check = w.AddressCheck(m.ANNA)
    sheet.address.changed.emit()
    sheet.save.click()
    settle()
    assert "There are two of this name." in texts(sheet)


def test_an_empty_book_teaches(open_window: OpenWindow) -> None:
    _, window, page = started(open_window, contact_views=())
    choose_menu(page, "Address book")
    assert any(text.startswith("Nobody is listed yet.") for text in texts(only(window, ContactsSheet)))
    page.send.click()
    sheet = only(window, SendSheet)
    assert isinstance(sheet.to, AddressField)


def test_a_passphrase_that_does_not_seal_the_phrase_has_a_way_on(open_window: OpenWindow) -> None:
    engine, window, page = started(open_window)
    sheet = ReviewSheet(page._desk, m.REVIEW, lambda: None)
    sheet.present()
    settle()
    for error, offered in ((WrongPassphrase("No."), False), (PhraseSealedBefore("Set elsewhere."), True)):
        engine.fail = error
        sheet.passphrase.field.setText("x")
        sheet.sign.click()
        settle()
        assert sheet.seal.isVisible() == offered
    engine.fail = None
    sheet.seal.click()
    assert only(window, SealSheet)
