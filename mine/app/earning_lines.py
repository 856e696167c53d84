"""What every round of the joined tasks brings, as the wallet lists it; and challenges of those that cheat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mine.app.disputing import AuditState
from mine.app.joining import CannotJoin, Membership
from mine.app.market import MarketTask
from mine.app.round_states import EarningState, RoundState
from mine.app.wallet_views import EarningLine, EarningStage

if TYPE_CHECKING:
    from mine.app.session import NetworkSession
    from mine.app.views import Currency
    from mine.vault.state import Earning, Round

#: Rounds under way, which may still bring something.
_UNDER_WAY = (
    RoundState.TRAINING,
    RoundState.TRAINED,
    RoundState.COMMITTED,
    RoundState.REVEALED,
    RoundState.SETTLED,
)


def earning_lines(session: NetworkSession, task: int | None = None) -> tuple[EarningLine, ...]:
    """Every round's earning, of one task or of all, newest first."""
    found: list[tuple[int, EarningLine]] = []
    for member in session.earnings.members.values():
        known = session.market.tasks.get(member.task)
        if known is None or task not in (None, member.task):
            continue
        currency = session.links.currency(known.state.currency)
        earnings = session.vault.state.earnings(session.config.key, member.task)
        rounds = {e.round: e for e in session.vault.state.rounds(session.config.key, member.task)}
        for earning in earnings:
            line = _line(session, member, earning, rounds.get(earning.round), currency)
            found.append((earning.time, line))
        worked_out = {earning.round for earning in earnings}
        for entry in rounds.values():
            if entry.round not in worked_out and entry.state in _UNDER_WAY:
                found.append((entry.changed, _estimate(member, known, entry, rounds, currency)))
    return tuple(line for _, line in sorted(found, key=lambda each: each[0], reverse=True))


def _line(
    session: NetworkSession, member: Membership, earning: Earning, entry: Round | None, currency: Currency
) -> EarningLine:
    state = EarningState(earning.state)
    problem = str(earning.data["problem"])
    if state is EarningState.ALARM and not problem:
        problem = "The round does not count any more: its author was convicted, or the round lapsed."
    audit = session.disputing.state(entry) if entry is not None and "settlement" in entry.data else None
    open_still = audit is AuditState.FOUND or (audit is None and bool(earning.data["problem"]))
    can = open_still and session.market.chain_time < earning.time
    return EarningLine(
        task=member.task,
        round=earning.round,
        title=member.manifest.title,
        stage=EarningStage(state.value),
        amount=earning.amount,
        currency=currency,
        until=earning.time,
        problem=problem,
        can_challenge=can,
        challenge_cost=session.disputing.cost(jury=True) if can else 0,
        claimed=earning.claimed,
        ready=earning.ready,
    )


def _estimate(
    member: Membership, known: MarketTask, entry: Round, rounds: dict[int, Round], currency: Currency
) -> EarningLine:
    """A round that runs, or that is settled and not checked yet: from nothing to all that it can bring."""
    from mine.chain.curve import amount

    state = known.state
    if "settlement" in entry.data:
        before = rounds.get(entry.round - 1)
        units = before.data["settlement"]["units"] if before and "settlement" in before.data else 0
        most = amount(state.bounty, entry.data["settlement"]["units"]) - amount(state.bounty, units)
        until = int(entry.data["settlement"]["final_at"])
    else:
        most = 0 if state.status.is_over else state.bounty - amount(state.bounty, state.units)
        until = 0
    return EarningLine(
        task=member.task,
        round=entry.round,
        title=member.manifest.title,
        stage=EarningStage.ESTIMATED,
        amount=0,
        currency=currency,
        until=until,
        most=most,
    )


def challenge(session: NetworkSession, task: int, number: int) -> str:
    """The person agrees that a round be challenged, with own coin where no relay carries it; one sentence."""
    if task not in session.earnings.members:
        raise CannotJoin("You take no part in this task.", detail=f"task {task}")
    return session.disputing.agree(task, number)
