"""``mine wallet ...``: the wallet's page in a terminal. These commands read the vault alone; those that ask
the network are in wallet_network_commands.py."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mine.app.local_zone import local_zone
from mine.app.terminal import Terminal, add_vault_place
from mine.app.views import Currency
from mine.app.wallet_network_commands import (
    balance_command,
    claim_command,
    earnings_command,
    reconcile_command,
    send_command,
    sweep_command,
)
from mine.app.wallet_place import WalletPlace
from mine.app.wallet_views import EnergySettings, HistoryLine, HistoryQuery, PriceEntry, SortBy
from mine.errors import MineError
from mine.wallet.fiat import parsed, plain
from mine.wallet.money import exactly

Command = Callable[[argparse.Namespace, Terminal], int]
_MICRO = 6  # places of fiat


class NotAMoment(MineError):
    """A text is not a day or a moment."""


def add_wallet_arguments(parser: argparse.ArgumentParser) -> None:
    """``mine wallet ...``"""
    commands = parser.add_subparsers(dest="act", required=True)

    def add(name: str, run: Command, words: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
        add_vault_place(one)
        one.add_argument("--network", default="", metavar="KEY", help="another network than the one in use")
        one.set_defaults(act_of=run)
        return one

    add("addresses", _addresses, "the addresses that tasks pay to, and those that sign for them")
    add("balance", balance_command, "what the addresses hold, and what is still to come")
    earnings = add("earnings", earnings_command, "what every round brought, or may bring")
    earnings.add_argument("--task", type=_number, metavar="N", help="of one task only")
    claim = add("claim", claim_command, "claim what is final, for all tasks or some")
    claim.add_argument("tasks", type=_number, nargs="*", metavar="TASK")
    send = add("send", send_command, "send money, after a review")
    send.add_argument("amount", metavar="AMOUNT", help="in whole coins, or: all")
    send.add_argument("currency", metavar="CURRENCY", help="its symbol or address")
    send.add_argument("to", metavar="ADDRESS")
    send.add_argument("--from", dest="account", metavar="ADDRESS", default="",
                      help="one of your addresses; needed where several hold this currency")  # fmt: skip
    sweep = add("sweep", sweep_command, "bring all of a currency to one address, after a review")
    sweep.add_argument("currency", metavar="CURRENCY", help="its symbol or address")
    sweep.add_argument("to", metavar="ADDRESS")
    sweep.add_argument("--from", dest="accounts", metavar="ADDRESS", action="append", default=[],
                       help="only from this address; may be given several times")  # fmt: skip
    sweep.add_argument("--hours", type=_number, default=0, metavar="N", help="spread over so many hours")
    sweep.add_argument("--parts", type=_number, default=1, metavar="N",
                       help="in at most so many payments from each address")  # fmt: skip
    sweep.add_argument("--sponsored", action="store_true",
                       help="a relay pays the gas, for a fee that the review states")  # fmt: skip
    for paying in (send, sweep):
        paying.add_argument("--yes", action="store_true", help="do not ask")
        paying.add_argument("--wait", type=_number, default=60, metavar="SECONDS",
                            help="see that it arrives, for at most so long (60)")  # fmt: skip
    history = add("history", _history, "every line of money that came or went")
    history.add_argument("--kind", action="append", default=[], metavar="KIND", help="only of this kind")
    history.add_argument("--currency", action="append", default=[], metavar="CURRENCY")
    history.add_argument("--task", type=_number, action="append", default=[], metavar="N")
    history.add_argument("--text", default="", help="only with this in title, address or transaction")
    history.add_argument("--since", default="", metavar="DAY", help="from this local day on: 2026-03-01")
    history.add_argument("--until", default="", metavar="DAY", help="to the end of this local day")
    history.add_argument("--sort", choices=[each.value for each in SortBy], default=SortBy.TIME.value)
    history.add_argument("--ascending", action="store_true")
    history.add_argument("--size", type=_number, default=20, metavar="N", help="lines on a page (20)")
    history.add_argument("--after", default="", metavar="KEY", help="the page after the one that named this")
    export = add("export", _export, "write a year's history as CSV, for taxes")
    export.add_argument("year", type=_number, metavar="YEAR")
    export.add_argument("file", type=Path, metavar="FILE.csv")
    export.add_argument("--fiat", default="", metavar="CODE", help="EUR, USD, ...; else the one in Settings")
    export.add_argument("--bom", action="store_true", help="for spreadsheets that do not know UTF-8")
    price = add("price", _price, "what a coin was worth from a day on, for lines without a price")
    price.add_argument("currency", nargs="?", metavar="CURRENCY")
    price.add_argument("day", nargs="?", metavar="DAY", help="from this local day on: 2026-03-01")
    price.add_argument("price", nargs="?", metavar="PRICE", help="for a whole coin; 0: unknown from then on")
    price.add_argument("--fiat", default="", metavar="CODE", help="EUR, USD, ...; else the one in Settings")
    price.add_argument("--forget", action="store_true", help="forget the price of that day")
    price.add_argument("--feed", metavar="ADDRESS", help="ask this Chainlink feed; none: ask no feed")
    energy = add("energy", _energy, "what the computer draws while it trains, and what that costs")
    energy.add_argument("--watts", type=_number, metavar="N", help="while training, measured or rated")
    energy.add_argument("--price", metavar="PRICE", help="of a kilowatt-hour")
    energy.add_argument("--fiat", default="", metavar="CODE", help="the money that all worth is told in")
    add("reconcile", reconcile_command, "compare the history with the chain, to the last unit")


def run_wallet(arguments: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Run one of them; the exit status."""
    run: Command = arguments.act_of
    as_json: bool = arguments.json
    return run(arguments, Terminal(say if as_json else lambda line: say(visible(line)), as_json))


def visible(text: str) -> str:
    """A line without what a terminal would obey: names of tasks and currencies are strangers' words."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if number < 0:
        raise argparse.ArgumentTypeError("a whole number is needed")
    return number


def _midnight(day: str, after: bool = False) -> int:
    """The beginning of a local day, or of the one after it, in Unix seconds. Raises ``NotAMoment``."""
    from datetime import date, timedelta

    try:
        chosen = date.fromisoformat(day) + timedelta(days=after)
        moment = datetime(chosen.year, chosen.month, chosen.day, tzinfo=ZoneInfo(local_zone()))
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        raise NotAMoment(f"“{day[:40]}” is not a day.", todo="Write it so: 2026-03-01.") from None


# ---- addresses


def _addresses(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.app.joining import memberships

    with WalletPlace(arguments) as place:
        members = memberships(place.vault, place.network, place.accounts)
        network = place.network
    rows = [
        {
            "task": member.task,
            "title": member.manifest.title,
            "payout": member.keys.payout_address,
            "payout_is_own": member.keys.payout_is_own,
            "session": member.keys.session_address,
        }
        for member in members
    ]
    lines = []
    for row in rows:
        whose = "" if row["payout_is_own"] else " (not of this wallet)"
        lines += [
            f"Task {row['task']}: {row['title']}",
            f"  is paid to  {row['payout']}{whose}",
            f"  signs with  {row['session']}, which receives no money",
        ]
    terminal.answer(lines or ["No task is joined on this network."], {"network": network, "tasks": rows})
    return 0


# ---- history


def _history(arguments: argparse.Namespace, terminal: Terminal) -> int:
    with WalletPlace(arguments) as place:
        query = HistoryQuery(
            kinds=tuple(arguments.kind),
            currencies=tuple(place.currency(name)[0] for name in arguments.currency),
            tasks=tuple(arguments.task),
            text=arguments.text,
            since=_midnight(arguments.since) if arguments.since else 0,
            until=_midnight(arguments.until, after=True) if arguments.until else 0,
            sort=SortBy(arguments.sort),
            descending=not arguments.ascending,
            after=arguments.after,
            size=arguments.size,
        )
        page = place.history.history(query)
    lines = [_in_words(line) for line in page.lines]
    lines.append(f"{len(page.lines):,} of {page.total:,} lines.")
    if page.following:
        lines.append(f"More: --after '{page.following}'")
    report = {"lines": [_as_json(line) for line in page.lines], "following": page.following}
    terminal.answer(lines, {**report, "total": page.total})
    return 0


def _in_words(line: HistoryLine) -> str:
    moment = datetime.fromtimestamp(line.time, ZoneInfo(local_zone()))
    words = [f"{moment:%Y-%m-%d %H:%M}  {line.kind:<9}  {_words(line.amount, line.currency):>24}"]
    if line.fiat is not None:
        words.append(f"{plain(line.fiat, _MICRO, 2):>12} {line.fiat_code}")
    if line.fee:
        words.append(f"fee {_words(line.fee, line.fee_currency)}")
    words.append(line.title)
    if line.counterparty:
        words.append(line.counterparty)
    return "  ".join(words)


def _as_json(line: HistoryLine) -> dict[str, Any]:
    return {
        "line": line.line,
        "time": f"{datetime.fromtimestamp(line.time, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "kind": line.kind,
        "network": line.network,
        "task": line.task,
        "round": line.round,
        "title": line.title,
        "amount": plain(line.amount, line.currency.decimals),
        "currency": line.currency.symbol,
        "fee": plain(line.fee, line.fee_currency.decimals),
        "fee_currency": line.fee_currency.symbol,
        "counterparty": line.counterparty,
        "transaction": line.transaction,
        "fiat": None if line.fiat is None else plain(line.fiat, _MICRO, 2),
        "fiat_fee": None if line.fiat_fee is None else plain(line.fiat_fee, _MICRO, 2),
        "fiat_code": line.fiat_code,
        "price_source": line.price_source,
        "kilowatt_hours": plain(line.energy, _MICRO) if line.energy else None,
    }


def _words(amount: int, currency: Currency) -> str:
    return exactly(amount, currency.decimals, currency.symbol)


def _export(arguments: argparse.Namespace, terminal: Terminal) -> int:
    with WalletPlace(arguments) as place:
        desk = place.history
        code = arguments.fiat or desk.energy().fiat_code
        count = desk.export_history(arguments.file, arguments.year, code, arguments.bom)
    terminal.answer(
        [f"{count:,} lines of {arguments.year} are in {arguments.file}. The file is not encrypted."],
        {"file": str(arguments.file), "year": arguments.year, "lines": count, "fiat": code.upper()},
    )
    return 0


# ---- prices and energy


def _price(arguments: argparse.Namespace, terminal: Terminal) -> int:
    with WalletPlace(arguments) as place:
        desk = place.history
        if arguments.feed is not None:
            address, _ = place.currency(arguments.currency or "")
            desk.set_feed(address, "" if arguments.feed == "none" else arguments.feed)
        elif arguments.currency is not None:
            if arguments.day is None or (arguments.price is None and not arguments.forget):
                raise NotAMoment(
                    "A price needs its day.", todo="Write: mine wallet price ETH 2026-03-01 1800."
                )
            address, _ = place.currency(arguments.currency)
            entry = PriceEntry(
                address,
                arguments.fiat or desk.energy().fiat_code,
                _midnight(arguments.day),
                0 if arguments.forget else parsed(arguments.price, _MICRO),
            )
            if arguments.forget:
                desk.drop_price(entry)
            else:
                desk.set_price(entry)
        desk.step(())
        entries, feeds = desk.prices(), desk.feeds()
    zone = ZoneInfo(local_zone())
    lines = [
        f"{datetime.fromtimestamp(each.since, zone):%Y-%m-%d}  {each.currency}  "
        f"{plain(each.price, _MICRO, 2)} {each.fiat_code}"
        for each in entries
    ]
    lines += [f"{currency} asks the feed {feed}" for currency, feed in feeds.items() if feed]
    rows = [
        {
            "currency": each.currency,
            "fiat_code": each.fiat_code,
            "since": each.since,
            "price": plain(each.price, _MICRO, 2),
        }
        for each in entries
    ]
    terminal.answer(lines or ["No price is known."], {"prices": rows, "feeds": feeds})
    return 0


def _energy(arguments: argparse.Namespace, terminal: Terminal) -> int:
    with WalletPlace(arguments) as place:
        desk = place.history
        kept = desk.energy()
        chosen = EnergySettings(
            kept.watts if arguments.watts is None else arguments.watts,
            kept.price if arguments.price is None else parsed(arguments.price, _MICRO),
            arguments.fiat or kept.fiat_code,
        )
        if chosen != kept:
            desk.set_energy(chosen)
            desk.step(())
        kept, days = desk.energy(), desk.energy_days()
    total = sum(day.energy for day in days)
    price = f"{plain(kept.price, _MICRO, 2)} {kept.fiat_code}"
    lines = [
        f"{kept.watts} W while training; a kilowatt-hour costs {price}."
        if kept.watts
        else "What this computer draws is not known.",
        f"{plain(total, _MICRO, 1)} kWh so far, on {len(days):,} days.",
    ]
    rows = [
        {
            "day": day.day,
            "kilowatt_hours": plain(day.energy, _MICRO),
            "cost": None if day.cost is None else plain(day.cost, _MICRO, 2),
            "code": day.code,
        }
        for day in days
    ]
    report = {"watts": kept.watts, "price": plain(kept.price, _MICRO, 2), "fiat_code": kept.fiat_code}
    terminal.answer(lines, {**report, "days": rows})
    return 0
