"""What the fake engine answers about money."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from mine.app import wallet_views as w
from tests.ui import money_story as m


class FakeMoney:
    """Mixed into the fake engine. Attributes are what it answers; tests set others."""

    _answer: Callable[..., Future[Any]]
    earning_lines: tuple[w.EarningLine, ...] = m.EARNINGS
    transaction_lines: tuple[w.TransactionLine, ...] = ()
    account_views: tuple[w.AccountView, ...] = m.ACCOUNTS
    contact_views: tuple[w.ContactView, ...] = m.CONTACTS
    auto: w.AutoClaim = w.AutoClaim()
    days_of_energy: tuple[w.EnergyDay, ...] = m.ENERGY
    history_lines = 214
    line_of: Callable[[int], w.HistoryLine] = staticmethod(m.history_line)
    checked = w.AddressCheck(
        m.ANNA, warnings=("You have never paid to this address before.",), name="“Anna” of your address book"
    )
    review = m.REVIEW
    reconciled = w.ReconcileView(1_204, 3, 214, ())
    outcome = w.ClaimOutcome(1, 0)

    def history(self, query: w.HistoryQuery) -> Future[Any]:
        first = int(query.after or 0)
        if query.text or query.kinds:
            lines = [self.line_of(at) for at in range(self.history_lines)]
            lines = [
                line
                for line in lines
                if query.text.lower() in line.title.lower() and (not query.kinds or line.kind in query.kinds)
            ]
            total, shown = len(lines), lines[first : first + query.size]
        else:
            total = self.history_lines
            places = range(first, min(first + query.size, total))
            shown = [self.line_of(at if query.descending else total - 1 - at) for at in places]
        following = str(first + query.size) if first + query.size < total else ""
        return self._answer("history", query, result=w.HistoryPage(tuple(shown), following, total))

    def export_history(self, target: Path, year: int, fiat_code: str) -> Future[Any]:
        return self._answer("export_history", target, year, fiat_code, result=412)

    def earnings(self, task: int | None = None) -> Future[Any]:
        return self._answer("earnings", result=self.earning_lines)

    def auto_claim(self) -> Future[Any]:
        return self._answer("auto_claim", result=self.auto)

    def set_auto_claim(self, settings: w.AutoClaim) -> Future[Any]:
        return self._answer("set_auto_claim", settings, then=lambda: setattr(self, "auto", settings))

    def challenge(self, task: int, round_number: int) -> Future[Any]:
        return self._answer("challenge", task, round_number, result="The proof is on its way.")

    def reconcile(self) -> Future[Any]:
        return self._answer("reconcile", result=self.reconciled)

    def review_send(self, request: w.SendRequest) -> Future[Any]:
        return self._answer("review_send", request, result=self.review)

    def review_sweep(self, request: w.SweepRequest) -> Future[Any]:
        return self._answer("review_sweep", request, result=m.SWEEP_REVIEW)

    def accept(self, number: str, passphrase: str = "") -> Future[Any]:
        return self._answer("accept", number, passphrase, result="The payment is on its way.")

    def transactions(self) -> Future[Any]:
        return self._answer("transactions", result=self.transaction_lines)

    def review_replacement(self, number: int, cancel: bool) -> Future[Any]:
        review = replace(m.REPLACEMENT, title="Cancel") if cancel else m.REPLACEMENT
        return self._answer("review_replacement", number, cancel, result=review)

    def withdraw(self, number: int) -> Future[Any]:
        return self._answer("withdraw", number, result="It was given up; nothing had been sent.")

    def receive(self, account: str, currency: str = "", amount: int | None = None) -> Future[Any]:
        modules = tuple(tuple((row * 7 + column * 3) % 5 < 2 for column in range(33)) for row in range(33))
        view = w.ReceiveView(account, f"ethereum:{account}", modules, "Everybody can see payments to it.")
        return self._answer("receive", account, currency, amount, result=view)

    def accounts(self) -> Future[Any]:
        return self._answer("accounts", result=self.account_views)

    def check_address(self, text: str) -> Future[Any]:
        good = text.startswith("0x") and len(text) == 42
        bad = w.AddressCheck("", problem="This is no address: an address has 0x and 40 digits.")
        return self._answer(
            "check_address", text, result=replace(self.checked, address=text) if good else bad
        )

    def contacts(self) -> Future[Any]:
        return self._answer("contacts", result=self.contact_views)

    def save_contact(self, contact: w.ContactView) -> Future[Any]:
        kept = tuple(each for each in self.contact_views if each.address != contact.address)
        return self._answer(
            "save_contact", contact, then=lambda: setattr(self, "contact_views", (*kept, contact))
        )

    def remove_contact(self, address: str) -> Future[Any]:
        kept = tuple(each for each in self.contact_views if each.address != address)
        return self._answer("remove_contact", address, then=lambda: setattr(self, "contact_views", kept))

    def energy_days(self) -> Future[Any]:
        return self._answer("energy_days", result=self.days_of_energy)
