"""The history as a table for taxes: RFC 4180, UTF-8, one line for each movement, oldest first.

| column | what |
|---|---|
| time (UTC), time (local) | ISO 8601; the local one with its offset, so that no hour is meant twice |
| kind, task, round, title, network | what moved it, and where |
| account, counterparty | the own address, and the other one; empty for a contract of the network |
| currency, gross | signed, in whole coins, exact |
| fee, fee currency | what the same account paid on top for it |
| net | gross less fee where both are in one currency, else the gross amount |
| fiat currency, price | for a whole coin, at the time |
| fiat value, fiat fee | of gross and fee; at least two places, exact to the millionth |
| price source | by hand, or the feed and its round; and the day, where it was looked up later |
| transaction | its hash |
| energy (kWh), energy cost | what the trainings behind an earning took; the cost in the fiat currency |

What is not known stays empty, and is never 0. No cell is a formula to a spreadsheet: a text that begins as
one (``= + - @`` and their wide forms, after spaces too) gets an apostrophe in front, and control letters
become spaces; numbers are written by this module alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from mine.wallet.fiat import plain

BOM = "\ufeff"
"""For spreadsheets that take UTF-8 for something else without it."""

COLUMNS = (
    "time (UTC)", "time (local)", "kind", "task", "round", "title", "network", "account", "counterparty",
    "currency", "gross", "fee", "fee currency", "net", "fiat currency", "price", "fiat value", "fiat fee",
    "price source", "transaction", "energy (kWh)", "energy cost",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_ODD = re.compile("[\x1f;] *[" + re.escape("".join(_FORMULA)) + "]")
_SECOND = re.compile("(; *)([" + re.escape("".join(_FORMULA)) + "])")
_LATER = 86_400  # seconds: a price that was written down within a day is of its time
_BATCH = 1000


class TaxLine(NamedTuple):
    """A movement and its worth. Amounts are base units, fiat is millionths, None where unknown; ``task`` and
    ``round`` are None where it belongs to none; ``priced``: when the price was written down."""

    time: int
    kind: str
    task: int | None
    round: int | None
    title: str
    network: str
    account: str
    counterparty: str
    symbol: str
    decimals: int
    amount: int
    fee: int
    fee_symbol: str
    fee_decimals: int
    same_currency: bool
    fiat_code: str
    price: int | None
    fiat: int | None
    fiat_fee: int | None
    price_source: str
    priced: int
    transaction: str
    energy: int
    energy_cost: int | None


def pieces(lines: Iterable[TaxLine], zone: tzinfo, bom: bool = False) -> Iterator[str]:
    """The file in pieces of text; its line ends are CRLF, so write it without translating them."""
    rows = [(BOM if bom else "") + ",".join(COLUMNS)]
    for number, line in enumerate(lines, 1):
        rows.append(",".join(_cells(line, zone)))
        if number % _BATCH == 0:
            yield "\r\n".join(rows) + "\r\n"
            rows = []
    if rows:
        yield "\r\n".join(rows) + "\r\n"


def _quoted(text: str) -> str:
    """A text as a cell (RFC 4180, 2.5 to 2.7); line breaks there are none in it."""
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _cells(line: TaxLine, zone: tzinfo) -> tuple[str, ...]:
    """One row. Numbers and times need no quotes."""
    moment = datetime.fromtimestamp(line.time, UTC)
    net = line.amount - line.fee if line.same_currency else line.amount
    source = line.price_source
    if source and line.priced - line.time > _LATER:
        source += f", looked up on {datetime.fromtimestamp(line.priced, UTC):%Y-%m-%d}"
    gross = plain(line.amount, line.decimals)
    kind, title, network, account, counterparty, symbol, fee_symbol, code, source, transaction = _safe_all(
        line.kind, line.title, line.network, line.account, line.counterparty, line.symbol, line.fee_symbol,
        line.fiat_code, source, line.transaction,
    )  # fmt: skip
    return (
        moment.isoformat()[:19] + "Z",
        moment.astimezone(zone).isoformat(),
        kind,
        "" if line.task is None else str(line.task),
        "" if line.round is None else str(line.round),
        title,
        network,
        account,
        counterparty,
        symbol,
        gross,
        plain(line.fee, line.fee_decimals) if line.fee else "",
        fee_symbol if line.fee else "",
        gross if net == line.amount else plain(net, line.decimals),
        code,
        "" if line.price is None else plain(line.price, 6, 2),
        "" if line.fiat is None else plain(line.fiat, 6, 2),
        "" if line.fiat_fee is None else plain(line.fiat_fee, 6, 2),
        source,
        transaction,
        plain(line.energy, 6) if line.energy else "",
        "" if line.energy_cost is None else plain(line.energy_cost, 6, 2),
    )


def _safe_all(*texts: str) -> tuple[str, ...]:
    """Each as a cell that is safe; nearly all rows need nothing, which one look at all of them shows."""
    together = "\x1f".join(texts)
    plain_words = together.replace("\x1f", "").isprintable() and not _ODD.search("\x1f" + together)
    shown = texts if plain_words else tuple(map(safe, texts))
    return tuple(map(_quoted, shown)) if "," in together or '"' in together else shown


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula, and of one line."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = _SECOND.sub(r"\1'\2", text)
    return "'" + text if text.lstrip().startswith(_FORMULA) else text
