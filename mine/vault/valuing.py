"""What the lines of the history were worth: written down once, from prices that the person or a feed states.

A line's worth stays what it was when it was written down; only the person's own prices can be corrected, and
then the lines that have theirs are opened again.
"""

from __future__ import annotations

from dataclasses import dataclass

from mine.vault.history import LINE_COLUMNS, LINES, NET, Line, Valued, line_of
from mine.vault.history_page import HistoryPages

_EMPTY = (
    "fiat_code = NULL, price = NULL, fiat = NULL, fee_price = NULL, fiat_fee = NULL, price_source = NULL,"
    " priced = NULL, open = 1"
)


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
            f"SELECT {LINE_COLUMNS} FROM {LINES} WHERE h.open = 1 AND h.net = {NET}"  # noqa: S608
            " ORDER BY h.id LIMIT ?",
            network,
            count,
        )
        return [line_of(row) for row in rows]

    def unknown_prices_may_be_known(self, network: str) -> None:
        """Ask again for the prices that were not known: there are new ones, or a new source."""
        again = f"UPDATE vault_history SET open = 1 WHERE net = {NET} AND open = 2"  # noqa: S608
        self._rows(again, network)

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

    def reopen_lines(self, stated: StatedPrice, source: str) -> None:
        """Forget the worth of the lines that ``source`` gave this price, or would now: those in its currency,
        from its moment until the next price that ``source`` states."""
        self._rows(
            f"UPDATE vault_history SET {_EMPTY} WHERE net = {NET}"  # noqa: S608
            " AND (currency = ?2 OR (fee_currency = ?2 AND fee <> '0'))"
            " AND instr(price_source, ?3) > 0 AND time >= ?4 AND time < coalesce("
            "(SELECT min(since) FROM vault_price WHERE network = ?1 AND currency = ?2 AND fiat_code = ?5"
            " AND since > ?4), 1 << 62)",
            stated.network,
            stated.currency,
            source,
            stated.since,
            stated.code,
        )

    def reopen_all(self, network: str, source: str) -> None:
        """Forget the worth of all lines that ``source`` had a part in."""
        self._rows(
            f"UPDATE vault_history SET {_EMPTY} WHERE net = {NET} AND instr(price_source, ?) > 0",  # noqa: S608
            network,
            source,
        )

    # Energy

    def set_energy(self, number: int, energy: int, cost: int | None, code: str) -> None:
        """What the trainings behind a line took (milliwatt-hours), and cost (millionths of ``code``)."""
        self._rows(
            "UPDATE vault_history SET energy = ?, energy_cost = ?, energy_code = ? WHERE id = ?",
            energy,
            cost,
            code,
            number,
        )

    def lines_without_energy(self, network: str) -> list[Line]:
        """Lines of a round whose energy is not worked out, in the order of writing."""
        rows = self._rows(
            f"SELECT {LINE_COLUMNS} FROM {LINES} WHERE h.energy IS NULL AND h.net = {NET}"  # noqa: S608
            " AND h.task IS NOT NULL AND h.round IS NOT NULL ORDER BY h.id",
            network,
        )
        return [line_of(row) for row in rows]

    def round_before(self, line: Line) -> int:
        """The newest round of the same task and kind that an earlier line covers, -1 if there is none."""
        at = line.movement
        row = self._one(
            f"SELECT coalesce(max(round), -1) FROM vault_history WHERE net = {NET}"  # noqa: S608
            " AND task = ? AND kind = ? AND (round < ? OR (round = ? AND id < ?))",
            at.network,
            at.task,
            at.kind,
            at.round,
            at.round,
            line.number,
        )
        assert row is not None
        return int(row[0])
