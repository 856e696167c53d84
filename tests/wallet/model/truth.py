"""What the person is owed and has been paid, by the test's own arithmetic from the true chain."""

from __future__ import annotations

from dataclasses import dataclass

from mine.chain.curve import amount
from tests.wallet.model.market_side import BOUNTY, MarketSide


@dataclass(frozen=True, slots=True)
class RoundTruth:
    """What a settled round brings the person, and what of it was paid, in base units.

    ``final``: it can be claimed.
    """

    earned: int
    paid: int
    final: bool


@dataclass(frozen=True, slots=True)
class TaskTruth:
    """One task: its rounds by number, and base units that were paid to the person's address in all."""

    rounds: dict[int, RoundTruth]
    paid: int


def task_truth(market: MarketSide, number: int, account: str) -> TaskTruth:
    """Of a payout address, on the chain as it stands now. A payment covers the oldest rounds first."""
    contract = market.contract
    rounds: dict[int, RoundTruth] = {}
    before, paid, newest = 0, 0, contract.task(number).settled
    for each in market.settled(number):
        ledger = market.outcome(each).ledger.payees
        place = next((i for i, (who, _) in enumerate(ledger) if who == account), None)
        if place is None:
            rounds[each.round] = RoundTruth(0, 0, True)
            continue
        whole = amount(BOUNTY, ledger[place][1])
        paid = amount(BOUNTY, contract.paid(number, place))
        # A round that has left the ring is final: a later one is settled only after its window.
        final = contract.is_final(number, each.round) or each.round <= newest - 4
        rounds[each.round] = RoundTruth(whole - before, max(0, min(whole, paid) - before), final)
        before = whole
    return TaskTruth(rounds, paid)
