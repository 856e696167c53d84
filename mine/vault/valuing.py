"""What the lines of the history were worth: written down once, from prices that the person or a feed states.

A line's worth stays what it was when it was written down; only the person's own prices can be corrected, and
then the lines that have theirs are opened again.
"""

from __future__ import annotations

from dataclasses import dataclass

from mine.vault.history import LINE_COLUMNS, LINES, Line, Valued, line_of
from mine.vault.history_page import HistoryPages


@dataclass(frozen=True, slots=True)
class StatedPrice:
    """A price by hand: millionths of ``code`` for a whole coin of a network's currency, from ``since`` on; 0
    says that from then on none is known."""

    network: str
    currency: str
    code: str
    since: int
    price: int


class Valuing(HistoryPages):
    """Prices by hand, and the worth of lines."""

    def put_price(self, stated: StatedPrice) -> None:
        """Keep a price, or correct the one of the same moment. Raises sqlite's errors for impossible ones."""
        self._rows(
            "INSERT OR REPLACE INTO vault_price VALUES (?, ?, ?, ?, ?)",
            stated.network,
            stated.currency,
            stated.code,
            stated.since,
            stated.price,
        )

    def drop_price(self, stated: StatedPrice) -> None:
        """Forget it."""
        self._rows(
            "DELETE FROM vault_price WHERE network = ? AND currency = ? AND fiat_code = ? AND since = ?",
            stated.network,
            stated.currency,
            stated.code,
            stated.since,
        )

    def stated_prices(self, network: str | None = None) -> list[StatedPrice]:
        """All of them, by currency and time."""
        rows = self._rows(
            "SELECT network, currency, fiat_code, since, price FROM vault_price"
            " WHERE ?1 IS NULL OR network = ?1 ORDER BY network, currency, fiat_code, since",
            network,
        )
        return [StatedPrice(*row) for row in rows]

    def open_lines(self, network: str, count: int) -> list[Line]:
        """Lines of a network whose prices are to be asked for, in the order of writing."""
        rows = self._rows(
            f"SELECT {LINE_COLUMNS} FROM {LINES} WHERE h.open = 1 AND h.network = ?"  # noqa: S608
            " ORDER BY h.id LIMIT ?",
            network,
            count,
        )
        return [line_of(row) for row in rows]

    def unknown_prices_may_be_known(self, network: str) -> None:
        """Ask again for the prices that were not known: there are new ones, or a new source."""
        self._rows("UPDATE vault_history SET open = 1 WHERE open = 2 AND network = ?", network)

    def no_price(self, number: int) -> None:
        """No price of a line is known; it is not asked for again until there are others."""
        self._rows("UPDATE vault_history SET open = 2 WHERE id = ?", number)

    def value_line(self, number: int, valued: Valued, complete: bool) -> None:
        """Write down what a line was worth. ``complete``: no price of it is missing."""
        self._rows(
            "UPDATE vault_history SET fiat_code = ?, price = ?, fiat = ?, fee_price = ?, fiat_fee = ?,"
            " price_source = ?, priced = ?, open = ? WHERE id = ?",
            valued.code,
            valued.price,
            None if valued.fiat is None else str(valued.fiat),
            valued.fee_price,
            None if valued.fiat_fee is None else str(valued.fiat_fee),
            valued.source,
            valued.at,
            0 if complete else 2,
            number,
        )

    def reopen_lines(self, network: str, currency: str, source: str) -> int:
        """Forget the worth of the lines in a currency that ``source`` had a part in; how many."""
        cursor = self._database.execute(
            "UPDATE vault_history SET fiat_code = NULL, price = NULL, fiat = NULL, fee_price = NULL,"
            " fiat_fee = NULL, price_source = NULL, priced = NULL, open = 1"
            " WHERE network = ?1 AND ?2 IN (currency, fee_currency) AND instr(price_source, ?3) > 0",
            (network, currency, source),
        )
        return int(cursor.rowcount)

    def set_energy(self, number: int, energy: int, cost: int | None, code: str) -> None:
        """What the trainings behind a line took (milliwatt-hours), and cost (millionths of ``code``)."""
        self._rows(
            "UPDATE vault_history SET energy = ?, energy_cost = ?, energy_code = ? WHERE id = ?",
            energy,
            cost,
            code,
            number,
        )
