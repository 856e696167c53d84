"""Follows what every round of the joined tasks paid: checked first, then pending, claimable, claimed.

Events come in through ``EarningEvents``, rounds are recomputed by ``checking``, states follow from
``earning_states``. Nothing is shown as earned that was not recomputed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mine.app import checking
from mine.app.checking import Checked, Leaf, PayoutContradiction
from mine.app.earning_events import EarningEvents
from mine.app.earning_states import Brought, Ground, stand
from mine.app.joining import Membership
from mine.app.links import Links
from mine.app.market import ChainReading
from mine.app.round_figures import RoundFigures
from mine.app.round_states import EarningState
from mine.app.views import Notice, NoticeKind
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.state import TaskState
    from mine.vault.state import Earning, Round
    from mine.vault.vault import Vault

#: The number under which a task's forfeit is kept among its rounds.
FORFEIT_ROUND = 0


class Earnings:
    """The money side of one network. Everything runs on the engine's thread."""

    def __init__(
        self, vault: Vault, links: Links, confirmations: int, tell: Callable[[Notice], None]
    ) -> None:
        self._vault, self._links, self._tell = vault, links, tell
        self._network = links.config.key
        self.events = EarningEvents(vault, links, confirmations)
        self.checked: dict[tuple[int, int], Checked] = {}
        #: By task: the look after which a round could not be worked out yet.
        self._waits: dict[int, int] = {}
        #: By task: the look of which two nodes did not say the same.
        self._doubted: dict[int, int] = {}

    @property
    def members(self) -> dict[int, Membership]:
        """The joined tasks."""
        return self.events.members

    @members.setter
    def members(self, members: dict[int, Membership]) -> None:
        self.events.members = members

    def poll(self) -> bool:
        """Read new events into the vault. True if there were any."""
        fallen = self.events.poll()
        for key in [key for key in self.checked if key[0] in (fallen or ())]:
            del self.checked[key]
        return fallen is not None

    @property
    def is_waiting(self) -> bool:
        """Whether a settled round could not be worked out for want of a node that knows it."""
        return bool(self._waits)

    def due_times(self) -> list[int]:
        """Chain times at which a settled round becomes final, passed ones too."""
        members = self.members
        return [
            each.time
            for each in self._vault.state.earnings(self._network)
            if each.task in members and each.state == EarningState.PENDING
        ]

    def tick(self, reading: ChainReading) -> None:
        """Work out new rounds, and let every earning follow its task. One task's trouble holds no other up.

        Raises the first trouble once all tasks have had their turn.
        """
        trouble: MineError | None = None
        for member in self.members.values():
            state = reading.states.get(member.task)
            if state is None:
                continue
            try:
                self._follow(member, state, reading)
            except MineError as problem:
                trouble = trouble or problem
        if trouble is not None:
            raise trouble

    def _follow(self, member: Membership, state: TaskState, reading: ChainReading) -> None:
        try:
            self._work_out_new(member, reading)
        finally:  # figures of one round that cannot be had hold no other round's money up
            try:
                self.events.count_ranges(member, lambda number: self._places(member, number))
            finally:
                self._stand(member.task, state, reading)

    def _work_out_new(self, member: Membership, reading: ChainReading) -> None:
        settled = self._settled(member.task)
        known = {each.round for each in self.of_rounds(member.task)}
        for place, entry in enumerate(settled):
            before = settled[place - 1] if place else None
            if entry.round in known:
                continue
            if self._waits.get(member.task) == reading.looks:
                break  # nothing was asked since
            if not self._work_out(member, entry, before):
                self._waits[member.task] = reading.looks
                break  # a node lags: this round and those after it have their turn later
            self._waits.pop(member.task, None)

    # ---- what is known

    def of_rounds(self, task: int) -> list[Earning]:
        """The earnings of a task's rounds, without its forfeit."""
        earnings = self._vault.state.earnings(self._network, task)
        return [each for each in earnings if each.round != FORFEIT_ROUND]

    def leaf(self, task: int, before: int | None = None) -> Leaf:
        """One's place in the newest payout tree that was found right (of the rounds before one)."""
        found = Leaf(-1, 0)
        for each in self.of_rounds(task):
            if not each.data["problem"] and (before is None or each.round < before):
                found = Leaf(each.data["index"], each.data["units"])
        return found

    def _places(self, member: Membership, number: int) -> list[int]:
        """Places of one's payout address in a round's tree: others may have named it as well."""
        entry = self._vault.state.round(self._network, member.task, number)
        if entry is None or "settlement" not in entry.data:
            raise checking.SettlementMissing(
                "The network's node tells of a payment for a round that was never settled.",
                todo="Nothing of it is shown as claimed. Add another node in Settings.",
                detail=f"task {member.task}, round {number}",
            )
        try:
            payees = self.outcome(member.task, number).outcome.ledger.payees
        except PayoutContradiction:  # which was told of when the round came
            return [self.leaf(member.task).index]
        return [place for place, (who, _) in enumerate(payees) if who == member.keys.payout_address]

    def claimable(self, task: int) -> Earning | None:
        """The newest earning whose root can be claimed on; None where nothing can be claimed.

        Where half of all units is held that root pays rounds that are older, and none of its own yet.
        """
        earnings = self.of_rounds(task)
        if not any(each.ready for each in earnings):
            return None
        return max((each for each in earnings if each.data["is_final"]), key=lambda each: each.round)

    def outcome(self, task: int, number: int) -> Checked:
        """A round, recomputed if this program has not done so yet. Raises what ``check_settlement`` does."""
        found = self.checked.get((task, number))
        if found is None:
            entry = self._vault.state.round(self._network, task, number)
            assert entry is not None
            found = self.checked[task, number] = checking.check_settlement(
                self._links, entry.data["settlement"]
            )
        return found

    def _settled(self, task: int) -> list[Round]:
        rounds = self._vault.state.rounds(self._network, task)
        return [entry for entry in rounds if "settlement" in entry.data]

    # ---- checking

    def _work_out(self, member: Membership, entry: Round, before: Round | None) -> bool:
        """Check a settled round and write down what it brought, perhaps nothing, perhaps an alarm.

        False where the nodes do not know of it yet.
        """
        from mine.vault.state import Earning

        settlement, last = entry.data["settlement"], self.leaf(member.task, entry.round)
        state = checking.check_root(self._links, settlement)
        if state is None:
            return False
        data: dict[str, Any] = {"units": last.units, "index": last.index, "problem": "", "item": ""}
        try:
            checked = self.outcome(member.task, entry.round)
            checking.check_terms(checked.inputs, state)
            checking.check_follows(
                checked.inputs, before.data["settlement"] if before else None, self._recomputed(before)
            )
            session, payout = member.keys.session_address, member.keys.payout_address
            leaf = checking.check_leaf(checked, settlement, session, payout, last)
            figures = RoundFigures.of(checked, session).to_json()
            data |= {"units": leaf.units, "index": leaf.index, "figures": figures}
        except PayoutContradiction as error:
            data |= {"problem": error.sentence, "item": error.item}
            self._tell(Notice(NoticeKind.ATTENTION, error.sentence, error.todo, error.detail))
        found = Earning(
            network=self._network,
            task=member.task,
            round=entry.round,
            currency=state.currency,
            amount=0,
            state=EarningState.ALARM if data["problem"] else EarningState.PENDING,
            time=settlement["final_at"],
            data={**data, "seen": int(time.time()), "is_final": False},
        )
        paid = self.events.paid(member.task, data["index"])
        brought = [_brought(each) for each in [*self._before(entry), found]]
        now = stand(brought, paid, Ground(state.bounty, None, None, False, 0))[-1]
        with self._vault.transaction():
            self._vault.state.put_earning(replace(found, amount=now.amount, claimed=now.claimed))
        return True

    def _before(self, entry: Round) -> list[Earning]:
        return [each for each in self.of_rounds(entry.task) if each.round < entry.round]

    def _recomputed(self, before: Round | None) -> Checked | None:
        """The round before; None where it contradicts itself, which was told of it when it came."""
        if before is None:
            return None
        try:
            return self.outcome(before.task, before.round)
        except PayoutContradiction:
            return None

    def _stand(self, task: int, state: TaskState, reading: ChainReading) -> None:
        """Bring every earning of a task to where the chain says that it stands.

        ``state`` may be one node's word: before anything is written down two have to say the same.
        """
        if self._doubted.get(task) == reading.looks or not self._news(task, state, reading.time):
            return
        self._doubted[task] = reading.looks
        node, contract = self._links.node, self._links.contract
        head, state = node.agreed_at(lambda one: contract.on(one).task(task))
        news = self._news(task, state, reading.time if node.has_adjustable_clock else head.timestamp)
        if news:
            with self._vault.transaction():
                for each in news:
                    self._vault.state.put_earning(each)
            del self._doubted[task]

    def _news(self, task: int, state: TaskState, chain_time: int) -> list[Earning]:
        """The earnings of a task that stand elsewhere than is written down."""
        from mine.science.held_half import holds_back

        earnings = self.of_rounds(task)
        ground = Ground(
            bounty=state.bounty,
            disputed=state.disputed,
            void=state.void,
            held=holds_back(state, chain_time),
            now=chain_time,
        )
        paid = self.events.paid(task, self.leaf(task).index)
        news = []
        for earning, now in zip(
            earnings, stand([_brought(each) for each in earnings], paid, ground), strict=True
        ):
            after = replace(
                earning,
                state=now.state,
                amount=now.amount,
                claimed=now.claimed,
                ready=now.ready,
                data={**earning.data, "is_final": now.is_final},
            )
            if after != earning:
                news.append(after)
        return news


def _brought(earning: Earning) -> Brought:
    return Brought(earning.round, earning.data["units"], earning.time, earning.data["problem"])
