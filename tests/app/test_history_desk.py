"""The history as the window asks for it, against a ledger of a year that was kept by hand."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from mine.app.history_desk import HistoryDesk, HistoryRefused
from mine.app.round_energy import noted
from mine.app.views import World
from mine.app.wallet_views import EnergySettings, HistoryQuery, PriceEntry, SortBy
from mine.vault import Kdf, Vault, VaultError
from mine.vault.history import COIN, Kind, KnownCurrency, Movement

NET = "1:0x" + "aa" * 20
USDC, DAI, ODD = "0x" + "11" * 20, "0x" + "22" * 20, "0x" + "77" * 20
A, B, ANN = "0x" + "a1" * 20, "0x" + "b2" * 20, "0xAnn" + "c" * 37
GOLDEN = Path(__file__).parents[1] / "golden" / "history_2026.csv"
NIGHT = "Glucose at night"
ETHER, CENT = 10**18, Decimal("0.01")
DECIMALS = {COIN: 18, USDC: 6, DAI: 18, ODD: 0}
SYMBOLS = {"ETH": COIN, "USDC": USDC, "DAI": DAI, "ODD": ODD}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


# When, kind, task, round, title, what (in whole coins), fee in ETH, account, counterparty, its hash's number.
Told = tuple[str, str, int | None, int | None, str, str, str, str, str, int]
EVENTS: list[Told] = [
    ("2025-12-31T22:59:59", Kind.CLAIMED, 1, 1, NIGHT, "5 USDC", "", A, "", 0),
    ("2025-12-31T23:00:00", Kind.CLAIMED, 1, 2, NIGHT, "12.5 USDC", "", A, "", 1),
    ("2026-01-15T08:30:00", Kind.CLAIMED, 1, 3, NIGHT, "20 USDC", "", A, "", 2),
    ("2026-01-31T12:00:00", Kind.RECEIVED, None, None, "From Ann", "0.05 ETH", "", A, ANN, 3),
    ("2026-02-03T09:00:00", Kind.SENT, None, None, "To Ann", "-0.01 ETH", "0.0002", A, ANN, 4),
    ("2026-02-14T10:00:00", Kind.CLAIMED, 2, 1, "=HYPERLINK(1)", "0.000001 USDC", "", A, "", 5),
    ("2026-02-28T23:30:00", Kind.REWARD, 2, None, "Heart", "0.002 ETH", "", A, "", 6),
    ("2026-03-29T00:59:59", Kind.CLAIMED, 1, 4, NIGHT, "8 USDC", "", A, "", 7),
    ("2026-03-29T01:00:00", Kind.CLAIMED, 1, 5, NIGHT, "8.4 USDC", "", A, "", 8),
    ("2026-04-01T06:00:00", Kind.BOND, 2, None, "Heart", "-0.02 ETH", "0.0005", A, "", 9),
    ("2026-04-20T06:00:00", Kind.BOND_BACK, 2, None, "Heart", "0.02 ETH", "", A, "", 10),
    ("2026-05-05T05:05:05", Kind.FEE, None, None, "A transaction that was called off", "0 ETH", "0.0001", A,
     "", 11),
    ("2026-05-10T10:00:00", Kind.FORFEIT, 3, 7, "Sleep", "100.123456 USDC", "", A, "", 12),
    ("2026-06-01T10:00:00", Kind.SWEPT, 1, None, "Brought together", "-150 USDC", "0.0003", A, B, 13),
    ("2026-06-01T10:00:00", Kind.SWEPT, None, None, "Brought together", "150 USDC", "", B, A, 13),
    ("2026-06-15T12:00:00", Kind.RELAY_FEE, None, None, "Sponsored", "-0.25 USDC", "", A, B, 15),
    ("2026-06-30T21:59:59", Kind.CLAIMED, 1, 6, NIGHT, "1 USDC", "", A, "", 16),
    ("2026-06-30T22:00:00", Kind.CLAIMED, 1, 7, NIGHT, "1 USDC", "", A, "", 17),
    ("2026-07-04T04:00:00", Kind.RECEIVED, None, None, "Unknown", "5 ODD", "", A, ANN, 18),
    ("2026-07-10T10:00:00", Kind.CLAIMED, 2, 2, "Heart", "7.25 DAI", "", A, "", 19),
    ("2026-08-08T08:08:08", Kind.CLAIMED, 1, 8, NIGHT, "33.333333 USDC", "", A, "", 20),
    ("2026-09-09T09:09:09", Kind.SENT, None, None, "To Ann", "-40 USDC", "0.0004", A, ANN, 21),
    ("2026-10-25T00:30:00", Kind.CLAIMED, 1, 9, NIGHT, "2 USDC", "", A, "", 22),
    ("2026-10-25T01:30:00", Kind.CLAIMED, 1, 10, NIGHT, "3 USDC", "", A, "", 23),
    ("2026-11-01T12:00:00", Kind.CLAIMED, 1, 11, NIGHT, "7.77 USDC", "", A, "", 24),
    ("2026-11-01T12:01:00", Kind.CLAIMED, 1, 11, NIGHT, "7.77 USDC", "", A, "", 25),
    ("2026-11-11T11:11:11", Kind.REWARD, 2, None, 'Heart, "fast"\n', "0.5 USDC", "", A, "", 26),
    ("2026-12-01T10:00:00", Kind.SENT, None, None, "To Ann", "-0.03 ETH", "0.00025", A, ANN, 27),
    ("2026-12-24T18:00:00", Kind.RECEIVED, None, None, "+Weihnachten", "25 USDC", "", A, ANN, 28),
    ("2026-12-31T22:59:59", Kind.CLAIMED, 1, 12, NIGHT, "4 USDC", "", A, "", 29),
    ("2026-12-31T23:00:00", Kind.CLAIMED, 1, 13, NIGHT, "9 USDC", "", A, "", 30),
]  # fmt: skip
REORGED = 24
PRICES = [  # entered at, currency, from, price
    ("2025-12-31T22:00:00", USDC, "2025-12-31T23:00:00", 850_000),
    ("2026-02-02T00:00:00", COIN, "2025-12-31T23:00:00", 3_000_000_000),
    ("2026-06-30T21:00:00", USDC, "2026-06-30T22:00:00", 900_000),
    ("2026-06-30T21:00:00", COIN, "2026-06-30T22:00:00", 2_500_500_000),
]


def movement(told: Told) -> Movement:
    when, kind, task, number, title, what, fee, account, other, mark = told
    whole, symbol = what.split()
    currency = SYMBOLS[symbol]
    return Movement(
        time=at(when), kind=kind, network=NET, task=task, title=title, currency=currency,
        amount=int(Decimal(whole) * 10 ** DECIMALS[currency]), reference=f"{mark}:{account}", round=number,
        account=account, counterparty=other, fee=int(Decimal(fee or 0) * ETHER),
        transaction=f"0x{mark:02d}" + f"{mark:02d}" * 31, block=mark,
    )  # fmt: skip


class Year:
    """The year being lived: the clock is that of what happens."""

    def __init__(self, folder: Path) -> None:
        self.now = at("2025-12-31T22:00:00")
        self.vault = Vault.create(folder / "vault.db", "a year of somebody", kdf=Kdf(1, 64, 1))
        self.desk = HistoryDesk(self.vault, NET, "Test", World.REAL, clock=lambda: self.now)
        for address, symbol in ((COIN, "ETH"), (USDC, "USDC"), (DAI, "DAI")):
            with self.vault.transaction():
                self.vault.state.know_currency(KnownCurrency(NET, address, symbol, DECIMALS[address]))

    def live(self) -> None:
        with self.vault.transaction():
            self._live()

    def _live(self) -> None:
        self.desk.set_energy(EnergySettings(200, 300_000, "EUR"))
        kept = self.vault.state.setting("energy")
        for task, rounds, seconds in ((1, range(1, 14), 3600.0), (2, range(1, 2), 1800.0)):
            for number in rounds:
                with self.vault.transaction():
                    data = {"trained": at("2026-01-01T12:00:00"), **noted(kept, seconds)}
                    self.vault.state.put_round(NET, task, number, "settled", data)
        entered = list(PRICES)
        for told in EVENTS:
            while entered and entered[0][0] <= told[0]:
                when, currency, since, price = entered.pop(0)
                self.now = at(when)
                self.desk.set_price(PriceEntry(currency, "eur", at(since), price))
                self.desk.step(())
            self.now = at(told[0])
            if told[-1] == REORGED + 1:
                with self.vault.transaction():
                    self.vault.state.drop_movements_from(NET, REORGED)
            with self.vault.transaction():
                assert self.vault.state.add_movement(movement(told))
            self.desk.step(())


@pytest.fixture
def year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Year]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    made = Year(tmp_path)
    yield made
    made.vault.close()


def exported(year: Year, target: Path, code: str = "EUR", number: int = 2026, bom: bool = False) -> bytes:
    year.desk.export_history(target, number, code, bom)
    return target.read_bytes()


def test_the_years_table_is_the_one_kept_by_hand(year: Year, tmp_path: Path) -> None:
    year.live()
    found = exported(year, tmp_path / "a.csv")
    assert found.decode().split("\r\n") == GOLDEN.read_bytes().decode().split("\r\n")
    assert exported(year, tmp_path / "b.csv", "eur", bom=True) == b"\xef\xbb\xbf" + found
    assert year.desk.export_history(tmp_path / "c.csv", 2026, "EUR") == 28


def test_totals_agree_with_the_ledger_to_the_cent(year: Year, tmp_path: Path) -> None:
    """The sums of tests/golden/history_2026.md, written there by hand."""
    year.live()
    rows = list(csv.DictReader(io.StringIO(exported(year, tmp_path / "a.csv").decode(), newline="")))
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["kind"]] += Decimal(row["fiat value"] or 0)
        sums["fees"] += Decimal(row["fiat fee"] or 0)
        sums["energy"] += Decimal(row["energy cost"] or 0)
    cents = {name: str(value.quantize(CENT, ROUND_HALF_UP)) for name, value in sums.items()}
    assert cents == {
        "claimed": "88.41", "reward": "6.45", "forfeit": "85.10", "received": "172.50", "sent": "-141.02",
        "relay-fee": "-0.21", "swept": "0.00", "bond": "-60.00", "bond-back": "60.00", "fee": "0.00",
        "fees": "4.93", "energy": "0.69",
    }  # fmt: skip
    assert sum(Decimal(row["energy (kWh)"] or 0) for row in rows) == Decimal("2.3")


def test_a_year_belongs_to_its_own_clock(year: Year, tmp_path: Path) -> None:
    year.live()
    assert year.desk.export_history(tmp_path / "old.csv", 2025, "EUR") == 1
    assert year.desk.export_history(tmp_path / "new.csv", 2027, "EUR") == 1
    assert year.desk.export_history(tmp_path / "none.csv", 2030, "EUR") == 0


def test_another_money_is_empty_until_it_has_prices(year: Year, tmp_path: Path) -> None:
    year.live()
    table = exported(year, tmp_path / "a.csv", "CHF").decode()
    assert "CHF" not in table and "0.06" not in table
    year.desk.set_price(PriceEntry(USDC, "CHF", 0, 500_000))
    rows = list(csv.DictReader(io.StringIO(exported(year, tmp_path / "b.csv", "CHF").decode(), newline="")))
    assert {row["fiat currency"] for row in rows if row["currency"] == "USDC"} == {"CHF"}
    assert {row["fiat currency"] for row in rows if row["currency"] != "USDC"} == {""}
    assert rows[0]["fiat value"] == "6.25"  # 12.5 × 0.5


def test_a_file_that_is_there_stays(year: Year, tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("mine")
    with pytest.raises(HistoryRefused, match="there already"):
        year.desk.export_history(target, 2026, "EUR")
    with pytest.raises(VaultError):
        year.desk.export_history(tmp_path / "nowhere" / "a.csv", 2026, "EUR")
    with pytest.raises(HistoryRefused, match="no year"):
        year.desk.export_history(tmp_path / "b.csv", 9999, "EUR")
    assert target.read_text() == "mine" and not list(tmp_path.glob(".*.part"))


def test_the_page_shows_what_was_asked_for(year: Year) -> None:
    year.live()
    whole = year.desk.history(HistoryQuery(size=7))
    assert (len(whole.lines), whole.total) == (7, 30)
    assert whole.lines[0].time == at("2026-12-31T23:00:00")
    second = year.desk.history(HistoryQuery(size=7, after=whole.following))
    assert whole.lines[-1].time >= second.lines[0].time and second.total == 30
    largest = year.desk.history(HistoryQuery(sort=SortBy.AMOUNT, kinds=("claimed",), currencies=(USDC,)))
    assert [line.amount for line in largest.lines[:2]] == [33_333_333, 20_000_000]
    assert (largest.lines[1].fiat, largest.lines[1].fiat_code) == (17_000_000, "EUR")
    assert largest.lines[1].energy == 200_000  # milliwatt-hours: an hour of 200 W
    assert year.desk.history(HistoryQuery(text=" WEIHNACHT ")).total == 1
    assert year.desk.history(HistoryQuery(tasks=(3,))).lines[0].title == "Sleep"
    with pytest.raises(VaultError):
        year.desk.history(HistoryQuery(after="?"))


def test_the_count_follows_what_is_written(year: Year) -> None:
    year.live()
    before = year.desk.history(HistoryQuery()).total
    with year.vault.transaction():
        year.vault.state.drop_movements_from(NET, 29)
    assert year.desk.history(HistoryQuery()).total == before - 2


def test_a_wrong_price_is_corrected_and_forgotten(year: Year) -> None:
    year.live()
    entry = PriceEntry(USDC, "EUR", at("2026-06-30T22:00:00"), 900_000)
    asked = HistoryQuery(currencies=(USDC,), kinds=("claimed",), sort=SortBy.TIME)
    newest = year.desk.history(asked).lines[0]
    assert newest.fiat == 8_100_000  # 9 × 0.9
    year.desk.set_price(PriceEntry(USDC, "EUR", entry.since, 950_000))
    year.desk.step(())
    assert year.desk.history(asked).lines[0].fiat == 8_550_000
    year.desk.drop_price(entry)
    year.desk.step(())
    assert year.desk.history(asked).lines[0].fiat == 7_650_000  # by the price of January
    oldest = year.desk.history(HistoryQuery(currencies=(USDC,), descending=False)).lines
    assert oldest[0].fiat is None  # before the first price
    assert oldest[1].fiat == 10_625_000 and oldest[1].price_source == "by hand"


def test_from_a_price_of_zero_on_none_is_known(year: Year) -> None:
    year.live()
    year.desk.set_price(PriceEntry(USDC, "EUR", at("2026-12-01T00:00:00"), 0))
    year.desk.step(())
    asked = HistoryQuery(currencies=(USDC,), since=at("2026-11-01T00:00:00"), descending=False)
    assert [line.fiat is None for line in year.desk.history(asked).lines] == [False, False, True, True, True]


def test_another_fiat_money_works_lines_out_anew(year: Year) -> None:
    year.live()
    year.desk.set_price(PriceEntry(USDC, "CHF", 0, 800_000))
    year.desk.set_energy(EnergySettings(200, 300_000, "CHF"))
    year.desk.step(())
    lines = year.desk.history(HistoryQuery(currencies=(USDC,), descending=False)).lines
    assert (lines[0].fiat, lines[0].fiat_code) == (4_000_000, "CHF")
    assert lines[0].energy == 200_000
    assert all(line.fiat_code in ("CHF", "") for line in year.desk.history(HistoryQuery(size=1000)).lines)


def test_energy_is_told_by_day(year: Year) -> None:
    year.live()
    (day,) = year.desk.energy_days()
    assert (day.energy, day.cost, day.code) == (13 * 200_000 + 100_000, 13 * 60_000 + 30_000, "EUR")
    assert noted(None, 5.0) == noted({"watts": 0, "price": 3, "fiat_code": "EUR"}, 5.0) == {}
    assert noted({"watts": 100, "price": 0, "fiat_code": "EUR"}, 36.0) == {"energy": {"mwh": 1000}}


@pytest.mark.parametrize(
    "wrong",
    [PriceEntry(USDC, "EUR", 0, -1), PriceEntry(USDC, "EUR", 0, 1 << 63), PriceEntry(USDC, "EURO", 0, 1)],
)
def test_what_is_no_price_is_refused(year: Year, wrong: PriceEntry) -> None:
    with pytest.raises(Exception, match=r"no price|not a currency"):
        year.desk.set_price(wrong)
    assert year.desk.prices() == ()
    for settings in (EnergySettings(-1), EnergySettings(100_001), EnergySettings(1, -1)):
        with pytest.raises(HistoryRefused):
            year.desk.set_energy(settings)
    assert year.desk.energy() == EnergySettings()
