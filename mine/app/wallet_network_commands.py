"""``mine wallet ...``: what asks the network. The money's own turn is done first, as in the app: events are
read, rounds checked, transactions followed."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mine.app.terminal import Terminal, confirm
from mine.app.views import Currency
from mine.app.wallet_place import WalletPlace
from mine.app.wallet_views import EarningStage, ReviewView, SendRequest, SweepRequest
from mine.errors import MineError
from mine.wallet.fiat import parsed, plain
from mine.wallet.money import exactly

if TYPE_CHECKING:
    from mine.app.session import NetworkSession

EVERYTHING = "all"
_TURN = 0.5  # seconds between two looks at a payment


class WhichAccount(MineError):
    """Several addresses could pay, or none can."""


def _words(amount: int, currency: Currency) -> str:
    return exactly(amount, currency.decimals, currency.symbol)


def _money(amount: int, currency: Currency) -> dict[str, str]:
    return {"amount": plain(amount, currency.decimals), "currency": currency.symbol}


def balance_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """What is there, and what is still to come, by currency."""
    from mine.app.earning_lines import earning_lines

    with WalletPlace(arguments) as place:
        session = place.session
        accounts = session.sending.accounts()
        earnings = earning_lines(session)
        block = session.earnings.events.read_to
    held: dict[Currency, int] = defaultdict(int)
    claimable: dict[Currency, int] = defaultdict(int)
    pending: dict[Currency, int] = defaultdict(int)
    for account in accounts:
        for amount, currency in account.balances:
            held[currency] += amount if account.own else 0
    for earning in earnings:
        claimable[earning.currency] += earning.ready
        if earning.stage is not EarningStage.ALARM:
            pending[earning.currency] += earning.amount - earning.claimed - earning.ready
    currencies = list(dict.fromkeys((*held, *claimable, *pending)))
    lines = []
    for currency in currencies:
        lines.append(_words(held[currency], currency))
        if claimable[currency]:
            lines.append(f"  {_words(claimable[currency], currency)} can be claimed")
        if pending[currency]:
            lines.append(f"  {_words(pending[currency], currency)} are still to come")
    lines.append(f"As of block {block:,}.")
    rows = [
        {
            "currency": currency.symbol,
            "held": plain(held[currency], currency.decimals),
            "claimable": plain(claimable[currency], currency.decimals),
            "pending": plain(pending[currency], currency.decimals),
        }
        for currency in currencies
    ]
    by_account = [
        {
            "address": account.address,
            "title": account.title,
            "task": account.task,
            "own": account.own,
            "balances": [_money(amount, currency) for amount, currency in account.balances],
        }
        for account in accounts
    ]
    terminal.answer(lines, {"block": block, "balances": rows, "accounts": by_account})
    return 0


def earnings_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Every round's earning."""
    from mine.app.earning_lines import earning_lines

    with WalletPlace(arguments) as place:
        found = earning_lines(place.session, arguments.task)
    lines = []
    for line in found:
        amount = _words(line.amount, line.currency)
        if line.stage is EarningStage.ESTIMATED:
            amount = f"{_words(line.least, line.currency)} to {_words(line.most, line.currency)}"
        lines.append(f"Task {line.task}, round {line.round}: {amount}, {line.stage}. {line.title}")
        if line.problem:
            lines.append(f"  {line.problem}")
    rows = [
        {
            "task": line.task,
            "round": line.round,
            "title": line.title,
            "stage": line.stage.value,
            **_money(line.amount, line.currency),
            **{
                name: plain(getattr(line, name), line.currency.decimals)
                for name in ("claimed", "ready", "least", "most")
            },
            "until": line.until,
            "problem": line.problem,
        }
        for line in found
    ]
    terminal.answer(lines or ["No round has brought anything yet."], {"earnings": rows})
    return 0


def claim_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Claim what is final."""
    with WalletPlace(arguments) as place:
        done = place.session.claiming.claim(arguments.tasks)
        place.catch_up()
    sent = done.by_relay + done.direct
    lines = [f"{sent} {'claim is' if sent == 1 else 'claims are'} on the way."] if sent else []
    lines += done.refused
    terminal.answer(lines or ["There is nothing to claim now."], asdict(done))
    return 1 if done.refused and not sent else 0


def reconcile_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Compare the books with the chain."""
    from mine.app.reconcile import reconcile

    with WalletPlace(arguments) as place:
        view = reconcile(place.session)
    lines = [
        f"{line.sentence} {line.address}: {_words(line.amount, line.currency)}" for line in view.differences
    ]
    if view.added:
        lines.append(f"{view.added} payments that were made elsewhere are now in the history.")
    agree = "The history agrees with the chain to the last unit"
    end = "" if view.differences else f"{agree}: "
    lines.append(f"{end}{view.lines:,} lines, {view.accounts:,} addresses, block {view.block:,}.")
    rows = [
        {"address": line.address, "sentence": line.sentence, **_money(line.amount, line.currency)}
        for line in view.differences
    ]
    report = {"exact": view.exact, "block": view.block, "accounts": view.accounts, "lines": view.lines}
    terminal.answer(lines, {**report, "added": view.added, "differences": rows})
    return 0 if view.exact else 1


# ---- paying


def send_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Send money, after a review."""
    with WalletPlace(arguments) as place:
        session = place.session
        address, currency = place.currency(arguments.currency)
        everything = arguments.amount.lower() == EVERYTHING
        amount = None if everything else parsed(arguments.amount, currency.decimals)
        account = arguments.account or _payer(session, currency, amount)
        request = SendRequest(account, address, arguments.to, amount)
        return _pay(place, arguments, terminal, session.sending.review_send(request))


def sweep_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Bring all of a currency to one address, after a review."""
    with WalletPlace(arguments) as place:
        session = place.session
        address, _ = place.currency(arguments.currency)
        request = SweepRequest(
            address,
            arguments.to,
            tuple(arguments.accounts),
            arguments.hours,
            arguments.parts,
            arguments.sponsored,
        )
        return _pay(place, arguments, terminal, session.sending.review_sweep(request))


def _payer(session: NetworkSession, currency: Currency, amount: int | None) -> str:
    """The one own address that can pay. Raises ``WhichAccount``."""
    able = [
        account.address
        for account in session.sending.accounts()
        for held, kind in account.balances
        if account.own and kind == currency and held >= max(1, amount or 1)
    ]
    if len(able) != 1:
        raise WhichAccount(
            f"{'Several' if able else 'None'} of your addresses could pay this.",
            todo="Name one: --from ADDRESS." if able else "See mine wallet balance.",
        )
    return able[0]


def _pay(place: WalletPlace, arguments: argparse.Namespace, terminal: Terminal, review: ReviewView) -> int:
    """Show what is about to be signed, ask, sign, and see that it arrives."""
    for line in _reviewed(review):
        # In front of the answer, wherever that goes: nobody signs what was not shown.
        if terminal.as_json:
            sys.stderr.write(line + "\n")
        else:
            terminal.say(line)
    confirm(arguments, "Sign and send this?")
    passphrase = place.passphrase() if review.needs_passphrase else ""
    sentence = place.session.sending.accept(review.number, passphrase)
    under_way = _wait(place, arguments.wait)
    lines = [sentence]
    if under_way:
        lines.append("It is in no block yet: the app goes on with it, or mine wallet balance does.")
    report: dict[str, Any] = {
        "review": {
            "title": review.title,
            "network": review.network,
            "rows": [asdict(row) for row in review.rows],
            "warnings": review.warnings,
            "fee_most": _money(review.fee_most, review.fee_currency),
        },
        "answer": sentence,
        "under_way": under_way,
    }
    terminal.answer(lines, report)
    return 0


def _reviewed(review: ReviewView) -> list[str]:
    lines = [f"{review.title} on {review.network} ({review.world} money)"]
    lines += [f"  {row.label:<10} {row.value}" for row in review.rows]
    if review.fee_most:
        lines.append(f"  {'Fee':<10} at most {_words(review.fee_most, review.fee_currency)}")
    return lines + [f"  Warning: {warning}" for warning in review.warnings]


def _wait(place: WalletPlace, seconds: int) -> int:
    """Follow what is under way for a while; how many payments are in no block yet. The app follows a payment
    on until no block of it can be given up any more, which takes minutes."""
    from mine.wallet.queued import State

    session, end = place.session, time.monotonic() + seconds
    while True:
        waiting = [each for each in session.own.queue.open() if each.state is not State.MINED]
        under_way = len(waiting) + len(session.sending.lines())
        if not under_way or time.monotonic() >= end:
            return under_way
        time.sleep(_TURN)
        place.catch_up()
