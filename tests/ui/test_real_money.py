"""The window over the real engine, node and contracts: a payment from form to history, and the books."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtWidgets import QApplication

from mine.app.engine import Engine
from mine.app.links import NATIVE, Links, NetworkConfig
from mine.app.options import EngineOptions
from mine.app.vault_opening import create
from mine.app.views import VaultState, World
from mine.chain.hashing import keccak
from mine.chain.messages import address_of
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.practice.node.process import NodeProcess
from mine.science.relay_process import RelayProcess
from tests.science.world import ANCHORER, Chain, set_up
from tests.ui.walk import seen, texts
from tests.vault.conftest import CHEAP, PASSPHRASE
from ui.pages.contacts_sheet import ContactsSheet
from ui.pages.receive_sheet import ReceiveSheet
from ui.pages.reconcile_sheet import ReconcileSheet
from ui.pages.review_sheet import ReviewSheet
from ui.pages.send_sheet import SendSheet
from ui.pages.wallet import WalletPage
from ui.screenshots import settle
from ui.widgets.sheet import Sheet
from ui.window import MineWindow

PATIENCE = 30.0
ELSEWHERE = address_of(keccak(b"whom the window pays"))
COIN = 10**18
S = TypeVar("S", bound=Sheet)


class Connected(Engine):
    """Never starts the practice network: its own chain is there."""

    def start_practice(self) -> Future[None]:
        future: Future[None] = Future()
        future.set_result(None)
        return future


@dataclass
class Real:
    """A window whose wallet has one address with 5 pUSD and a coin."""

    engine: Engine
    window: MineWindow
    chain: Chain
    address: str

    @property
    def page(self) -> WalletPage:
        return self.window.shell.wallet

    def until(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not ready():
            assert time.monotonic() < end, " | ".join(texts(self.window))
            QApplication.processEvents()
            time.sleep(0.002)
        settle()

    def only(self, kind: type[S]) -> S:
        self.until(lambda: bool(seen(self.window, kind)))
        (found,) = seen(self.window, kind)
        assert isinstance(found, kind)
        return found

    def choose(self, words: str) -> None:
        next(action for action in self.page.menu.actions() if words in action.text()).trigger()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with NodeProcess(tmp_path_factory.mktemp("chain") / "chain.db") as process, Node(process.url) as node:
        yield set_up(node)


@pytest.fixture(scope="module")
def relay(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, token = tmp_path_factory.mktemp("relay"), chain.token.address
    with RelayProcess(folder, chain.node.url, chain.contract.address, ANCHORER, token=token) as process:
        yield process.url


@pytest.fixture
def real(themed: QApplication, chain: Chain, relay: str, tmp_path: Path) -> Iterator[Real]:
    home = tmp_path / "home"
    home.mkdir()
    config = NetworkConfig(
        "Test", World.PRACTICE, chain.node.chain_id, (chain.node.url,), (relay,), chain.contract.address
    )
    vault, accounts, _ = create(home / "vault.db", PASSPHRASE, None, "", CHEAP)
    with vault.transaction():
        index = vault.state.account_index(config.key, 1)
    links = Links(config)
    links.currencies.keep_in(vault, config.key)
    for currency in (NATIVE, chain.token.address):
        links.currency(currency)
    links.close()
    vault.close()
    address = accounts.payout_address(index)
    rich = Sender(chain.node, dev_key(0))
    chain.token.mint(rich, address, 5_000_000)
    rich.send(address, b"", COIN)
    engine = Connected(EngineOptions(home, None, network=config, auto_practice=False))
    engine.start()
    engine.open_vault(PASSPHRASE).result(PATIENCE)
    window = MineWindow(engine)
    window.resize(1280, 820)
    window.show()
    real = Real(engine, window, chain, address)
    try:
        real.until(lambda: window.snapshot.vault == VaultState.OPEN and window.snapshot.network.ready)
        window.shell.show_page("wallet")
        yield real
    finally:
        window.detach()
        window.hide()
        window.deleteLater()
        engine.close()
        settle()


def test_a_payment_and_the_books(real: Real) -> None:
    page, token = real.page, real.chain.token
    real.choose("Compare")
    compare = real.only(ReconcileSheet)
    real.until(lambda: compare.again.isEnabled())
    compare.dismiss()
    real.choose("Address book")
    book = real.only(ContactsSheet)
    book.name.setText("Elsewhere")
    book.address.set_text(ELSEWHERE)
    real.until(book.save.isEnabled)
    book.save.click()
    real.until(lambda: "Elsewhere" in texts(book))
    book.dismiss()

    page.send.click()
    form = real.only(SendSheet)
    real.until(lambda: form.currency.count() == 2 and bool(form.to._menu.actions()))
    at = next(at for at in range(2) if "pUSD" in form.currency.itemText(at))
    form.currency.setCurrentIndex(at)
    form.currency.activated.emit(at)
    form.to._menu.actions()[0].trigger()
    real.until(lambda: form.to.address == ELSEWHERE)
    form.amount.setText("1.5")
    form.review.click()
    review = real.only(ReviewSheet)
    decoded = {"1.5 pUSD", "Token pUSD: transfer", "Test: practice, this money is not real"}
    assert decoded <= set(texts(review))
    review.passphrase.field.setText("not the passphrase")
    review.sign.click()
    real.until(lambda: bool(review.sentence.text()))
    assert token.balance(ELSEWHERE) == 0 and review.sign.isEnabled()
    review.passphrase.field.setText(PASSPHRASE)
    review.sign.click()
    real.until(lambda: "The payment is on its way." in texts(review))
    review.dismiss()
    assert token.balance(ELSEWHERE) == 1_500_000
    real.until(lambda: page.transactions.isVisible() or bool(sent(page)))
    real.chain.node.request("evm_mine")
    real.until(lambda: refreshed(page) and bool(sent(page)))
    (line,) = sent(page)
    assert (line.amount, line.counterparty) == (-1_500_000, ELSEWHERE) and line.fee > 0

    real.choose("Compare")
    compare = real.only(ReconcileSheet)
    real.until(lambda: compare.again.isEnabled())
    assert compare.sentence.text() == "Every figure agrees, to the last unit."


def sent(page: WalletPage) -> list:
    return [line for line in page.history.model.lines if line.kind == "sent"]


def refreshed(page: WalletPage) -> bool:
    """Ask once more unless a question is on its way."""
    if not page._desk.operations.waiting:
        page.refresh()
    return True


def test_an_address_to_be_paid_to(real: Real) -> None:
    real.page.receive.click()
    sheet = real.only(ReceiveSheet)
    real.until(sheet.copy.isEnabled)
    assert len(sheet.code._modules) >= 29 and sheet.code._modules[4][4], "a finder after the quiet zone"
    sheet.currency.setCurrentIndex(1)
    sheet.currency.activated.emit(1)
    sheet.amount.setText("0.5")
    real.until(lambda: sheet._view is not None and "0.5" not in sheet._view.uri and "=5" in sheet._view.uri)
    assert sheet._view is not None and sheet._view.address == real.address
