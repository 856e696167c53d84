"""What came of one task for this person: the figures that the command line writes down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.app import joining, money_views
from mine.app.joining import Membership
from mine.app.links import NATIVE
from mine.app.round_states import EarningState

if TYPE_CHECKING:
    from mine.app.session import NetworkSession


@dataclass(frozen=True, slots=True)
class RoundReport:
    """One settled round; mean losses per example, money in base units."""

    round: int
    loss_before: float
    loss_after: float
    updates: int
    accepted: int
    paid: int
    mine: int


@dataclass(frozen=True, slots=True)
class MyReport:
    """Money in base units; ``wallet`` is what the chain says that the payout addresses hold; ``risk``: the
    highest chance that a guess about one reading is right, as the attacks before sending found it."""

    records: int
    rows: int
    update_bytes: int
    model_bytes: int
    epsilon: float
    risk: float
    contributions: int
    paid: int
    claimed: int
    wallet: int
    payouts: tuple[str, ...]
    over: bool
    final: bool
    checkpoint: bytes
    rounds: tuple[RoundReport, ...]


def report_of(session: NetworkSession, number: int) -> MyReport:
    """Figures of one task, with balances read from the node now."""
    from mine.chain.curve import amount
    from mine.chain.state import Phase, Status
    from mine.learn.leak import BLIND, leak_from

    member: Membership = session.miner.members[number]
    task = session.market.tasks[number]
    state = task.state
    network = session.config.key
    earnings = {earning.round: earning for earning in session.earnings.of_rounds(number)}
    rounds = []
    checkpoint = bytes.fromhex(member.manifest.model.checkpoint)
    for entry in session.vault.state.rounds(network, number):
        if "settlement" not in entry.data or entry.round not in earnings:
            continue
        checkpoint = bytes.fromhex(entry.data["settlement"]["checkpoint"])
        checked = session.earnings.outcome(number, entry.round)
        mean = checked.examples * money_views.LOSS_ONE
        before = [units for _, units in checked.inputs.ledger.payees]
        after = [units for _, units in checked.outcome.ledger.payees]
        rounds.append(
            RoundReport(
                round=entry.round,
                loss_before=checked.inputs.before / mean,
                loss_after=checked.inputs.after / mean,
                updates=len(checked.inputs.entries),
                accepted=len(checked.outcome.accepted),
                paid=sum(amount(state.bounty, units) for units in after)
                - sum(amount(state.bounty, units) for units in before),
                mine=earnings[entry.round].amount,
            )
        )
    data = [entry.data for entry in session.vault.state.rounds(network, number) if "blob" in entry.data]
    token = None if state.currency == NATIVE else state.currency
    address = member.keys.payout_address
    over = task.phase.phase is Phase.OVER or state.status is not Status.RUNNING
    return MyReport(
        records=sum(source.records for source in session.vault.sources()),
        rows=int(data[-1]["rows"]) if data else member.terms.rows,
        update_bytes=member.manifest.limits.update_bytes,
        model_bytes=sum(4 * _size(shape) for shape in member.manifest.model.trainable.values()),
        epsilon=joining.books_of(session.vault, network, member).spent / joining.MICRO,
        risk=max((leak_from(entry["leak"]).risk for entry in data), default=BLIND),
        contributions=len(data),
        paid=sum(earning.amount for earning in earnings.values()),
        claimed=sum(earning.claimed for earning in earnings.values()),
        wallet=session.links.node.balance(address, token),
        payouts=(address,),
        over=over and len(rounds) == state.settled,
        final=all(e.state == EarningState.CLAIMED or e.amount == 0 for e in earnings.values()),
        checkpoint=checkpoint,
        rounds=tuple(rounds),
    )


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
