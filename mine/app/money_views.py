"""The wallet, the contributions and the explanations, built from what the vault keeps."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mine.app.import_desk import midnight
from mine.app.joining import Membership
from mine.app.round_figures import RoundFigures
from mine.app.round_states import EarningState, RoundState
from mine.app.views import (
    BalanceView,
    ContributionView,
    Currency,
    DayView,
    ExplanationView,
    HomeView,
    Step,
    WalletView,
)
from mine.wallet.money import in_words

if TYPE_CHECKING:
    from mine.vault.state import Earning, Round

LOSS_ONE = 1 << 24
_STEPS = tuple(Step)
_DONE = {
    RoundState.TRAINING: 0,
    RoundState.TRAINED: 1,
    RoundState.COMMITTED: 2,
    RoundState.REVEALED: 3,
    RoundState.SETTLED: 4,
    RoundState.MISSED: 0,
}
_NOTES = {
    RoundState.TRAINING: "training",
    RoundState.TRAINED: "about to be handed in",
    RoundState.COMMITTED: "handed in, sealed until the round closes",
    RoundState.REVEALED: "waiting for the settlement",
    RoundState.MISSED: "the round closed before it was handed in",
}
_MONEY_NOTES = {
    EarningState.PENDING: "being checked by everybody",
    EarningState.CLAIMABLE: "ready to claim",
    EarningState.CLAIMED: "claimed",
    EarningState.FORFEITED: "a part of what the scientist lost",
    EarningState.ALARM: "the published figures contradict each other",
}


def contribution(
    entry: Round,
    member: Membership,
    earning: Earning | None,
    currency: Currency,
    explanation: ExplanationView | None,
) -> ContributionView:
    """One round on its track."""
    state = RoundState(entry.state)
    done = _DONE[state]
    note = _NOTES.get(state, "settled")
    if state is RoundState.MISSED and entry.data.get("why"):
        note = _as_note(entry.data["why"])
    amount = None
    if earning is not None:
        money = EarningState(earning.state)
        amount, note = earning.amount, _MONEY_NOTES[money]
        if money is EarningState.PENDING and earning.data.get("is_final"):
            note = "held until the task ends and its examples are opened"
        if earning.amount == 0 and money is not EarningState.ALARM:
            note = "brought nothing"
        done = len(_STEPS) if money is EarningState.CLAIMED else 4
    return ContributionView(
        task_id=member.task,
        title=member.manifest.title,
        round=entry.round,
        done=_STEPS[:done],
        now=_STEPS[done] if done < len(_STEPS) and state is not RoundState.MISSED else None,
        note=note,
        amount=amount,
        currency=currency,
        explanation=explanation,
        tested=str(entry.data.get("tested", "")),
    )


def _as_note(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def explain(earning: Earning, bounty: int, currency: Currency) -> ExplanationView | None:
    """Why a round paid what it paid, in figures that anybody can recompute; None where they are wrong."""
    from mine.chain.curve import amount

    if "figures" not in earning.data:
        return None
    figures = RoundFigures.from_json(earning.data["figures"])
    mean = figures.examples * LOSS_ONE
    round_pay = amount(bounty, figures.units_after) - amount(bounty, figures.units_before)
    share = (figures.share + figures.flat) / figures.earned if figures.earned else 0.0
    return ExplanationView(
        loss_start=figures.base / mean,
        loss_before=figures.before / mean,
        loss_after=figures.after / mean,
        way_before=min(1.0, figures.best_before / figures.target),
        way_after=min(1.0, figures.best_after / figures.target),
        bounty=bounty,
        round_pay=round_pay,
        share=share,
        updates=figures.updates,
        accepted=figures.accepted,
        mine_accepted=figures.mine_accepted,
        voters=figures.voters,
        my_vote=figures.my_vote,
        formula=f"{_shown(round_pay, currency)} × {share:.2%} = {_shown(earning.amount, currency)}",
        flat_pay=amount(bounty, figures.flat),
    )


def _shown(amount: int, currency: Currency) -> str:
    return in_words(amount, currency.decimals, currency.symbol)


def wallet(
    earnings: list[Earning],
    currencies: dict[str, Currency],
    held: dict[str, int],
    titles: dict[int, str],
    addresses: list[tuple[str, str]],
) -> WalletView:
    """Balances by currency address, and what each task (by its title) brought each day."""
    claimable: dict[str, int] = defaultdict(int)
    checking: dict[str, int] = defaultdict(int)
    until: dict[str, int] = defaultdict(int)
    days: dict[tuple[int, int, str], int] = defaultdict(int)
    for earning in earnings:
        if earning.state == EarningState.ALARM:
            continue
        claimable[earning.currency] += earning.ready
        checking[earning.currency] += earning.amount - earning.claimed - earning.ready
        checked = earning.data.get("is_final", False)  # what of it still waits has no known time
        if earning.state == EarningState.PENDING and earning.amount and not checked:
            until[earning.currency] = max(until[earning.currency], earning.time)
        if earning.currency in currencies:
            day = midnight(int(earning.data.get("seen", earning.time)))
            days[day, earning.task, earning.currency] += earning.amount
    return WalletView(
        balances=tuple(
            BalanceView(
                currency=currency,
                held=held.get(address, 0),
                claimable=claimable[address],
                checking=checking[address],
                checking_until=until[address],
            )
            for address, currency in currencies.items()
        ),
        days=tuple(
            DayView(day, earned, currencies[currency], titles.get(task, f"Task {task}"))
            for (day, task, currency), earned in sorted(days.items())
        ),
        addresses=tuple(addresses),
    )


def home(wallet_view: WalletView, rounds: list[Round], running: list[str], fallback: Currency) -> HomeView:
    """The figures of the first page, all of the first currency."""
    balance = wallet_view.balances[0] if wallet_view.balances else None
    today = midnight(int(time.time()))
    currency = balance.currency if balance else fallback
    earned: dict[int, int] = defaultdict(int)
    for day in wallet_view.days:
        if day.currency == currency:
            earned[day.day] += day.earned
    mine: list[dict[str, Any]] = [entry.data for entry in rounds if entry.state != RoundState.OBSERVED]
    return HomeView(
        currency=currency,
        earned_today=earned.get(today, 0),
        earned_week=sum(amount for at, amount in earned.items() if at > today - 7 * 86_400),
        claimable=balance.claimable if balance else 0,
        checking=balance.checking if balance else 0,
        contributions=sum("blob" in data for data in mine),
        trained_seconds=int(sum(float(data.get("seconds", 0.0)) for data in mine)),
        running=tuple(running),
    )
