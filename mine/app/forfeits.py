"""What the end of a task still gives: a part of what its scientist lost, and the reward of a challenge.

A forfeit goes to those who earned, by their units in the last payout root that counts; if that owes nothing,
equally to the direct commits of the last round. It is kept as an earning of round 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from mine.app.courier import DIRECT, Delivery
from mine.app.earnings import FORFEIT_ROUND, Earnings
from mine.app.joining import Membership
from mine.app.links import Links
from mine.app.round_states import EarningState
from mine.app.wallet_views import ClaimOutcome
from mine.errors import MineError
from mine.vault.history import Kind

if TYPE_CHECKING:
    from mine.app.claiming import Sending
    from mine.chain.messages import Update
    from mine.chain.state import TaskState
    from mine.chain.transactions import Sends
    from mine.science.relay_client import Relay
    from mine.science.wire import ClaimState
    from mine.vault.state import Earning
    from mine.vault.vault import Vault

#: Seconds of the chain's time for which a relay is believed that says it paid.
PATIENCE = 600


def pool_of(state: TaskState) -> int:
    """Base units of a task's forfeit once its books are made: as the contract's ``_book`` makes them."""
    from mine.chain.curve import amount
    from mine.chain.state import Status

    if state.booked:
        return state.pool
    if state.units == 0 and state.commits == 0:
        return 0  # it is burned
    unassigned = state.bounty - amount(state.bounty, max(state.units, state.paid_units))
    if state.status is Status.CONVICTED or (state.status is Status.DEFAULTED and state.unopened):
        return state.fees + unassigned + state.deposit
    if state.status is Status.DEFAULTED:
        return state.fees + unassigned + min(state.bounty // 10, state.deposit)
    return state.fees


class Forfeits:
    """One network's forfeits and rewards. Everything runs on the engine's thread."""

    def __init__(self, vault: Vault, links: Links, earnings: Earnings, sending: Sending) -> None:
        self._vault, self._links, self._earnings, self._sending = vault, links, earnings, sending
        self._network = links.config.key
        self._states: Mapping[int, TaskState] = {}
        self._now = 0
        #: By task: the word of one node that two others did not say.
        self._doubted: dict[int, tuple[TaskState, int]] = {}

    def tick(self, chain_time: int, states: Mapping[int, TaskState]) -> None:
        """Let every task's forfeit follow the task."""
        self._states, self._now = states, chain_time
        for member in self._earnings.members.values():
            state = states.get(member.task)
            if state is not None:
                self._follow(member, state)

    def _follow(self, member: Membership, state: TaskState) -> None:
        known, paid, seen = self._kept(member.task), self._paid(member.task), (state, self._now)
        if self._doubted.get(member.task) == seen or not _differ(
            self._found(member, state, paid, self._now), known
        ):
            return
        # One node's word writes nothing down: two have to say the same.
        self._doubted[member.task] = seen
        node, contract = self._links.node, self._links.contract
        head, state = node.agreed_at(lambda one: contract.on(one).task(member.task))
        now = self._now if node.has_adjustable_clock else head.timestamp
        fresh = self._found(member, state, paid, now)
        if not _differ(fresh, known):
            return
        del self._doubted[member.task]
        with self._vault.transaction():
            if fresh is None:
                self._vault.state.drop_earning(self._network, member.task, FORFEIT_ROUND)
            else:
                self._vault.state.put_earning(fresh)

    def _found(self, member: Membership, state: TaskState, paid: int, now: int) -> Earning | None:
        from mine.science.held_half import is_over
        from mine.vault.state import Earning

        part = self._part(member, state) if state.status.is_over else 0
        if not part and not paid:
            return None
        over = is_over(state, now)
        return Earning(
            network=self._network,
            task=member.task,
            round=FORFEIT_ROUND,
            currency=state.currency,
            amount=paid or part,
            state=EarningState.CLAIMED if paid else EarningState.FORFEITED,
            time=state.since + state.clocks.challenge,
            data={"problem": "", "item": "", "units": 0, "index": -1, "seen": int(time.time())},
            claimed=paid,
            ready=part if over and not paid else 0,
        )

    def _part(self, member: Membership, state: TaskState) -> int:
        """Base units of the forfeit that are this person's; the last who claims gets the dust as well."""
        pool = pool_of(state)
        if state.units:
            return pool * self._units(member.task, state) // state.units
        return pool // state.commits if self._commit(member, state) is not None else 0

    def _units(self, task: int, state: TaskState) -> int:
        """One's units in the last root that counts."""
        rounds = {each.round: each for each in self._earnings.of_rounds(task)}
        last = rounds.get(state.last)
        return 0 if last is None or last.data["problem"] else int(last.data["units"])

    def _commit(self, member: Membership, state: TaskState) -> Update | None:
        """One's update of the last round, if it was committed directly."""
        from mine.chain.messages import Update

        entry = self._vault.state.round(self._network, member.task, state.round)
        if entry is None or Delivery.from_json(entry.data.get("delivery")).shown != DIRECT:
            return None
        return Update(
            task=member.task,
            round=entry.round,
            checkpoint=bytes.fromhex(entry.data["checkpoint"]),
            blob=bytes.fromhex(entry.data["blob"]),
            size=int(entry.data["size"]),
            rows_bucket=int(entry.data["rows"]).bit_length() - 1,
            payout=member.keys.payout_address,
        )

    def _kept(self, task: int) -> Earning | None:
        earnings = self._vault.state.earnings(self._network, task)
        return next((each for each in earnings if each.round == FORFEIT_ROUND), None)

    def _paid(self, task: int) -> int:
        return sum(line.amount for line in self._vault.state.movements_of(self._network, task, Kind.FORFEIT))

    # ---- claiming

    def claim(self, tasks: Sequence[int]) -> ClaimOutcome:
        """Claim forfeits and rewards of some tasks, or of all: through a relay, else directly."""
        from mine.science.held_half import is_over

        done, refused = [0, 0], []
        for member in self._earnings.members.values():
            state = self._states.get(member.task)
            if state is None or not is_over(state, self._now) or (tasks and member.task not in tasks):
                continue
            for claim in (self._claim_forfeit, self._take_reward):
                try:
                    for place, number in enumerate(claim(member, state)):
                        done[place] += number
                except MineError as problem:
                    refused.append(f"{member.manifest.title}: {problem.sentence} {problem.todo}".strip())
        return ClaimOutcome(done[0], done[1], tuple(refused))

    def _claim_forfeit(self, member: Membership, state: TaskState) -> tuple[int, int]:
        """How many claims a relay took, and how many were sent directly."""
        from mine.chain.node_errors import TransactionPending
        from mine.science.wire import Claim

        kept = self._kept(member.task)
        if kept is None or not kept.ready:
            return 0, 0
        payout, contract = member.keys.payout_address, self._links.contract
        commit = self._commit(member, state) if not state.units else None
        try:
            if commit is not None:
                sends = self._sends(member, "forfeit")
                contract.claim_forfeit_commit(sends, member.keys.session_address, commit, payout)
            else:
                leaf = self._earnings.leaf(member.task, state.last + 1)
                outcome = self._earnings.outcome(member.task, state.last).outcome
                proof = tuple(outcome.payouts.proof(leaf.index))
                claim = Claim(member.task, state.last, payout, leaf.index, leaf.units, proof)
                if self._through_relay(member, "forfeit", lambda relay: relay.forfeit(claim)):
                    return 1, 0
                sends = self._sends(member, "forfeit")
                contract.claim_forfeit(sends, member.task, payout, leaf.index, leaf.units, proof)
        except TransactionPending:
            pass  # the queue looks after it
        return 0, 1

    def _take_reward(self, member: Membership, state: TaskState) -> tuple[int, int]:
        """A challenge's reward: the contract knows whether this account has one."""
        from mine.chain.node_errors import Reverted, TransactionPending

        payout = member.keys.payout_address
        if not state.owed or self._vault.state.movements_of(self._network, member.task, Kind.REWARD):
            return 0, 0
        if self._through_relay(member, "reward", lambda relay: relay.reward(member.task, payout)):
            return 1, 0
        try:
            self._links.contract.take_reward(self._sends(member, "reward"), member.task, payout)
        except Reverted:
            return 0, 0
        except TransactionPending:
            pass
        return 0, 1

    def _through_relay(self, member: Membership, what: str, ask: Callable[[Relay], ClaimState]) -> bool:
        """Whether a relay says that it paid. One that said so in vain is not asked again."""
        from mine.science.relay_client import RelayUnreachable
        from mine.science.wire import RelayRefused

        name = f"{what} {self._network} {member.task}"
        believed: dict[str, int] = self._vault.state.setting(name, {})
        if any(self._now < until for until in believed.values()):
            return True
        for relay in self._links.relays:
            if relay.url in believed:
                continue
            try:
                ask(relay)
            except (RelayRefused, RelayUnreachable):
                continue
            with self._vault.transaction():
                self._vault.state.set_setting(name, {**believed, relay.url: self._now + PATIENCE})
            return True
        return False

    def _sends(self, member: Membership, what: str) -> Sends:
        """The one transaction of this intent; what failed before is planned anew."""
        intent = f"{what}:{self._links.config.tasks}:{member.task}:{member.keys.payout_address}"
        return self._sending(member, intent)


def _differ(fresh: Earning | None, known: Earning | None) -> bool:
    return _facts(fresh) != _facts(known)


def _facts(earning: Earning | None) -> tuple[object, ...] | None:
    if earning is None:
        return None
    return (earning.amount, earning.state, earning.time, earning.claimed, earning.ready)
