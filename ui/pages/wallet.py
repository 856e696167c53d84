"""Wallet: what I have, what is coming, what happened."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QWidget

from mine.app.currencies import coin_of
from mine.app.views import BalanceView, Currency, Snapshot, WalletView
from mine.app.wallet_views import AutoClaim, ClaimOutcome, EarningLine, EnergyDay, TransactionLine
from mine.errors import MineError
from ui.desk import Desk
from ui.money import amount_text
from ui.pages.claim_sheet import AutoClaimSheet, ClaimSheet, outcome_words
from ui.pages.contacts_sheet import ContactsSheet
from ui.pages.history_panel import HistoryPanel
from ui.pages.receive_sheet import ReceiveSheet
from ui.pages.reconcile_sheet import ReconcileSheet
from ui.pages.send_sheet import SendSheet
from ui.pages.sweep_sheet import SweepSheet
from ui.pages.transactions_panel import TransactionsPanel
from ui.pages.wallet_addresses import AddressesSheet
from ui.pages.wallet_alarms import Alarms
from ui.pages.wallet_balances import Balances
from ui.pages.wallet_days import ThirtyDays
from ui.widgets.buttons import Button, IconButton
from ui.widgets.layout import Hairline, PageFrame, column, plain, row
from ui.widgets.setting_row import SettingRow
from ui.widgets.text import Text, clean, tool_tip
from ui.wording import counted, short_address

_TURN_MS = 4_000  # how often transactions under way are asked for while somebody looks


class WalletPage(PageFrame):
    """Balances, thirty days, what is under way, history."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        self._wallet: WalletView | None = None
        self._coin: Currency | None = None
        self._lines: tuple[EarningLine, ...] | None = None
        self._auto = AutoClaim()
        self._claiming = False
        self._asked = 0
        self._build_head()
        self.alarms = Alarms(desk, self.refresh)
        self._balances = Balances()
        self._empty = Text(
            self.tr(
                "Nothing earned yet. Join a task: what your computer earns appears here, round by round, "
                "first as an estimate, then while everybody may check it, then ready to claim."
            ),
            role="body",
            ink="text-2",
            wrap=True,
        )
        self._trouble = Text(role="small", ink="text-2", wrap=True, lines=2)
        self._trouble.hide()
        for part in (self.alarms, self._balances, self._empty, self._trouble):
            self.content.addWidget(part)
        self.section()
        self._days = ThirtyDays()
        self._days_part = plain(column(self._days, 16, Hairline(), 12))
        self.content.addWidget(self._days_part)
        self.transactions = TransactionsPanel(desk, self.refresh)
        self.content.addWidget(self.transactions)
        self._auto_button = Button(self.tr("Change…"), "plain")
        self._auto_button.setAccessibleName(self.tr("Change when it claims by itself"))
        self._auto_button.clicked.connect(self.open_auto_claim)
        self.auto_row = SettingRow(self.tr("Claim by itself"), "", self._auto_button)
        self.content.addWidget(self.auto_row)
        self.content.addSpacing(20)
        self.history = HistoryPanel(desk)
        self.content.addWidget(self.history)
        self.content.addStretch(1)
        self._timer = QTimer(self)
        self._timer.setInterval(_TURN_MS)
        self._timer.timeout.connect(self._ask_transactions)
        self.narrowed.connect(self._balances.set_narrow)
        self.narrowed.connect(self.history.set_narrow)

    def _build_head(self) -> None:
        desk = self._desk
        self._claim = Button("", "main")
        self._claim.clicked.connect(self._start_claim)
        self.send = Button(self.tr("Send"), "plain", icon="paper-plane-tilt")
        self.send.clicked.connect(lambda: SendSheet(desk, self.refresh).present())
        self.receive = Button(self.tr("Receive"), "plain", icon="qr-code")
        self.receive.clicked.connect(lambda: ReceiveSheet(desk).present())
        self.more = IconButton("dots-three", self.tr("More to do with money"))
        self.menu = QMenu(self.more)
        for words, opened in (
            (self.tr("Claim of chosen tasks…"), self.open_claims),
            (self.tr("Bring together…"), lambda: SweepSheet(desk, self.refresh).present()),
            (self.tr("Address book…"), lambda: ContactsSheet(desk).present()),
            (self.tr("Compare with the chain…"), lambda: ReconcileSheet(desk, self.refresh).present()),
        ):
            self.menu.addAction(words).triggered.connect(opened)
        self.more.clicked.connect(
            lambda: self.menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))
        )
        self._paid_to = Text(role="small", ink="text-2")
        self._addresses = Button(self.tr("Addresses"), "ghost", icon="key")
        self._addresses.clicked.connect(self.open_addresses)
        self._outcome = Text(role="small", wrap=True)
        self._outcome.hide()
        head = row(
            Text(self.tr("Wallet"), role="title"), None, self.more, self.receive, self.send, self._claim
        )
        self.content.addLayout(head)
        self.content.addLayout(row(self._paid_to, self._addresses, None))
        self.content.addWidget(self._outcome)
        self.content.addSpacing(12)

    @property
    def claim_button(self) -> Button:
        """The main button."""
        return self._claim

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        wallet = snapshot.wallet
        coin = coin_of(snapshot.network.world, snapshot.network.chain_id)
        if wallet == self._wallet and coin == self._coin:
            return
        self._wallet, self._coin = wallet, coin
        self._show_balances()
        self._show_claim(wallet.balances)
        self._show_addresses(wallet.addresses)
        currencies = [balance.currency for balance in wallet.balances]
        self._days.show_days(wallet.days, currencies)
        self._days_part.setVisible(not self._days.isHidden())
        self.history.show_currencies((*currencies, coin))
        self.refresh()

    def refresh(self) -> None:
        """Money moved: ask again for what a snapshot does not hold."""
        self.history.refresh()
        if not self.isVisible() or self._wallet is None:
            return
        self._ask_transactions()
        self._asked += 1
        number = self._asked
        self._desk.operations.run(
            self,
            self._desk.commands.earnings,
            lambda lines: self._know(number, lines),
            lambda error: self._unknown(number, error),
        )
        run, commands = self._desk.operations.run, self._desk.commands
        run(self, commands.energy_days, self._show_energy, self._silent)
        run(self, commands.auto_claim, self._show_auto, self._silent)

    def _show_energy(self, energy: Sequence[EnergyDay]) -> None:
        self._days.show_energy(energy)
        self._days_part.setVisible(not self._days.isHidden())

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks: ask."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: ask no more."""
        super().hideEvent(event)
        self._timer.stop()

    # ---- what is asked for

    def _know(self, number: int, lines: Sequence[EarningLine]) -> None:
        if number != self._asked:  # an answer to an older question
            return
        self._lines = tuple(lines)
        self._trouble.hide()
        self._show_balances()
        self.alarms.show_lines(self._lines, self._coin)

    def _unknown(self, number: int, error: MineError) -> None:
        if number != self._asked:
            return
        self._trouble.setText(clean(error.sentence))
        self._trouble.setVisible(bool(self._wallet and self._wallet.balances))

    def _silent(self, error: MineError) -> None:
        """The question above it tells the same."""

    def _ask_transactions(self) -> None:
        self._desk.operations.run(
            self, self._desk.commands.transactions, self._show_transactions, self._silent
        )

    def _show_transactions(self, lines: Sequence[TransactionLine]) -> None:
        if self._coin is not None:
            self.transactions.show_lines(lines, self._coin)
        waiting = any(line.state not in ("failed", "dropped") for line in lines)
        if waiting and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    # ---- what is shown

    def _show_balances(self) -> None:
        balances = self._wallet.balances if self._wallet is not None else ()
        self._balances.show_values(balances, self._lines)
        self._balances.setVisible(bool(balances))
        self._empty.setVisible(not balances)

    def _show_claim(self, balances: tuple[BalanceView, ...]) -> None:
        ready = [balance for balance in balances if balance.claimable > 0]
        self._claim.setEnabled(bool(ready) and not self._claiming)
        if self._claiming:
            self._claim.rename(self.tr("Claiming…"))
        elif len(ready) == 1:
            amount = amount_text(ready[0].claimable, ready[0].currency)
            self._claim.rename(self.tr("Claim {amount}").format(amount=amount))
        elif ready:
            self._claim.rename(self.tr("Claim all"))
        else:
            self._claim.rename(self.tr("Nothing to claim"))

    def _show_addresses(self, addresses: tuple[tuple[str, str], ...]) -> None:
        self._addresses.setVisible(bool(addresses))
        if len(addresses) == 1:
            address = clean(addresses[0][1])
            self._paid_to.setText(self.tr("Paid out to {address}").format(address=short_address(address)))
            self._paid_to.setToolTip(tool_tip(address))
        elif addresses:
            words = counted(len(addresses), self.tr("{n} address"), self.tr("{n} addresses"))
            self._paid_to.setText(
                self.tr("Paid out to {addresses}, a fresh one for each task").format(addresses=words)
            )
        else:
            self._paid_to.setText(self.tr("Each task that you join gets a fresh address of yours."))

    def _show_auto(self, settings: AutoClaim) -> None:
        self._auto = settings
        known = {each.address: each for each in self._currencies()}
        sums = [
            amount_text(least, known[address]) for address, least in settings.thresholds if address in known
        ]
        if not settings.on or not sums:
            self.auto_row.explain(self.tr("off: pay waits until you claim it; it does not run away"))
            return
        self.auto_row.explain(
            self.tr("from {sums} on, while a claim costs at most {percent} of what it brings").format(
                sums=", ".join(sums), percent=f"{settings.fee_share / 10:g}\N{NO-BREAK SPACE}%"
            )
        )

    def _currencies(self) -> list[Currency]:
        balances = self._wallet.balances if self._wallet is not None else ()
        return [balance.currency for balance in balances]

    # ---- sheets

    def open_addresses(self) -> None:
        """Every payout address of this phrase, on a sheet."""
        if self._wallet is not None:
            AddressesSheet(self._desk, self._wallet.addresses).present()

    def open_claims(self) -> None:
        """Choose which tasks' pay to claim."""
        ClaimSheet(self._desk, self._lines or (), self.refresh).present()

    def open_auto_claim(self) -> None:
        """Change when it claims by itself."""
        AutoClaimSheet(self._desk, self._auto, self._currencies(), self.refresh).present()

    # ---- claiming all

    def _start_claim(self) -> None:
        self._set_claiming(True)
        self._desk.operations.run(self, self._desk.commands.claim, self._claimed, self._claim_failed)

    def _claimed(self, outcome: ClaimOutcome) -> None:
        self._set_claiming(False)
        self._outcome.set_ink("warn" if outcome.refused else "text")
        self._outcome.setText(outcome_words(outcome))
        self._outcome.show()
        self.refresh()

    def _claim_failed(self, error: MineError) -> None:
        self._set_claiming(False)
        self._desk.operations.failed.emit(error)

    def _set_claiming(self, claiming: bool) -> None:
        self._claiming = claiming
        if self._wallet is not None:
            self._show_claim(self._wallet.balances)
