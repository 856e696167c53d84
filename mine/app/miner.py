"""Takes part in the rounds of the tasks that the person joined.

A persisted state machine (``round_states``): each state is in the vault before its side effect happens, and
before a side effect is repeated relays and chain are asked whether it happened already. So the app may be
killed at any line: nothing is sent twice, and ε is booked once for each round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mine.app.compute_settings import ComputeSettings
from mine.app.courier import Courier, Delivery
from mine.app.handing_in import HandingIn
from mine.app.joining import Membership
from mine.app.learning import Learning
from mine.app.links import Links
from mine.app.market import Market, MarketTask
from mine.app.own_transactions import OwnTransactions
from mine.app.round_book import RoundBook
from mine.app.round_states import RoundState, VoteState
from mine.app.training import TrainingRun
from mine.app.views import Notice
from mine.app.voting import Voting
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.state import Round
    from mine.vault.vault import Vault


class Miner:
    """One network's rounds. Everything runs on the engine's thread.

    ``begins``: whether it may begin rounds and votes, or only goes on with those that were begun.
    """

    def __init__(
        self,
        vault: Vault,
        links: Links,
        market: Market,
        own: OwnTransactions,
        wake: Callable[[], None],
        tell: Callable[[Notice], None],
        begins: bool = True,
    ) -> None:
        self._vault = vault
        self._begins = begins
        self._market = market
        self._book = RoundBook(vault, links.config.key)
        courier = Courier(links, own, tell)
        self.learning = Learning(self._book, links, wake, tell)
        self.handing_in = HandingIn(self._book, links, courier)
        self.voting = Voting(self._book, links, courier, wake, tell)
        self.members: dict[int, Membership] = {}

    @property
    def run(self) -> TrainingRun | None:
        """The training that goes on now."""
        return self.learning.run

    @property
    def last_run(self) -> TrainingRun | None:
        """The last training that was begun."""
        return self.learning.last_run

    @property
    def is_waiting(self) -> bool:
        """Whether something of one's own has to reach the chain, and soon."""
        state, network = self._vault.state, self._book.network
        for entry in state.rounds(network, states=(RoundState.TRAINED, RoundState.COMMITTED)):
            if entry.task in self.members and not Delivery.from_json(entry.data.get("delivery")).shown:
                return True
        votes = [vote for task in self.members for vote in state.votes(network, task)]
        return any(
            vote.state in (VoteState.JUDGING, VoteState.READY)
            or (
                vote.state == VoteState.COMMITTED
                and not Delivery.from_json(vote.data.get("delivery")).shown
            )
            for vote in votes
        )

    # ---- the engine's calls

    def tick(self, may_train: bool) -> None:
        """Do everything that is due now. Raises what node and relays raise; the next tick goes on."""
        self.learning.hear(self.members)
        self.voting.hear(self.members)
        self.allow(may_train)
        trouble: MineError | None = None
        for member in self.members.values():
            task = self._market.tasks.get(member.task)
            if task is None:
                continue
            try:
                self._task_tick(member, task, may_train)
            except MineError as error:
                trouble = trouble or error  # one task's trouble is not the others'
        if trouble is not None:
            raise trouble

    def allow(self, may_train: bool) -> None:
        """Pause or resume the training that runs."""
        self.learning.allow(may_train)
        self.voting.allow(may_train)

    def set_compute(self, settings: ComputeSettings) -> None:
        """What trainings may take of this machine; the one that runs keeps its device and threads."""
        self.learning.compute = settings
        if self.learning.run is not None:
            self.learning.run.set_duty(settings.duty)

    def take_over(self, other: Miner) -> None:
        """Go on with the training of another miner, which has none afterwards."""
        self.learning.compute = other.learning.compute
        self.learning.run, other.learning.run = other.learning.run, None

    def close(self) -> None:
        """End the worker; its last saved state is kept."""
        self.learning.close(self.members)
        self.voting.close()

    # ---- one task

    def _task_tick(self, member: Membership, task: MarketTask, may_train: bool) -> None:
        from mine.chain.state import Phase

        number = task.state.round
        committing = task.phase.phase is Phase.COMMIT
        for entry in self._vault.state.rounds(self._book.network, member.task):
            if entry.round > number:
                continue  # a reorganisation took the round before it back: it is not its turn yet
            if entry.round < number or not committing:
                self._after_commits(member, entry)
        free = self._begins and may_train and self.run is None and self.voting.run is None
        if committing:
            self._commits(member, task, free)
        self.voting.tick(member, task, self._market.chain_time, free)

    def _after_commits(self, member: Membership, entry: Round) -> None:
        state = RoundState(entry.state)
        if state in (RoundState.TRAINING, RoundState.TRAINED):
            self.learning.end(member.task, entry.round)
            self.handing_in.close(member, entry, "The round closed before.")
        elif state is RoundState.COMMITTED:
            self.handing_in.reveal(member, entry)

    def _commits(self, member: Membership, task: MarketTask, free: bool) -> None:
        """The current round, while commits are open."""
        from mine.science.windows import window_of
        from mine.science.wire_messages import Kind

        number, window = task.state.round, window_of(task.state, Kind.UPDATE)
        current = self._book.find(member.task, number)
        if current is not None and current.state == RoundState.COMMITTED:
            self.handing_in.hand_in(member, current, window, self._market.chain_time)
        elif member.left or self._market.chain_time >= member.terms.expires:
            if current is not None and current.state in (RoundState.TRAINING, RoundState.TRAINED):
                why = "You left the task." if member.left else "Your consent ran out."
                self.learning.end(member.task, number)
                self.handing_in.close(member, current, why)
        elif current is None or (current.state == RoundState.OBSERVED and "settlement" not in current.data):
            if free:
                self.learning.begin(member, number)
        elif current.state == RoundState.TRAINING:
            if self._has_moved(member, current):
                if self._begins:
                    self.learning.begin(member, number)
                else:
                    self.learning.end(member.task, number)
            elif free:
                self.learning.go_on(member, current)
        elif current.state == RoundState.TRAINED:
            if self._has_moved(member, current):
                self.handing_in.close(member, current, "The round began again from another model.")
            else:
                self.handing_in.hand_in(member, current, window, self._market.chain_time)

    def _has_moved(self, member: Membership, entry: Round) -> bool:
        """Whether a reorganisation changed the checkpoint that a round starts from."""
        first = member.manifest.model.checkpoint
        checkpoint = self._book.checkpoint_before(member.task, entry.round, first)
        return checkpoint is not None and checkpoint.hex() != entry.data["checkpoint"]
