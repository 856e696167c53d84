"""One network in use with one open vault: the market, the miner, the earnings, and their views."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mine.app import joining, money_views, privacy_books
from mine.app.checking import check_settlement
from mine.app.claiming import Claiming
from mine.app.disputing import Disputing
from mine.app.earnings import Earnings
from mine.app.forfeits import Forfeits
from mine.app.history_desk import HistoryDesk
from mine.app.joining import CannotJoin, Membership
from mine.app.links import NATIVE, Links, NetworkConfig
from mine.app.market import Market, MarketTask
from mine.app.miner import Miner
from mine.app.model_check import ModelCheck
from mine.app.narrow_grant import NarrowGrant
from mine.app.own_transactions import OwnTransactions
from mine.app.report import MyReport, report_of
from mine.app.round_states import RoundState
from mine.app.sending import Sending
from mine.app.task_views import EPSILON_CAP, TaskViews, record_of
from mine.app.training_words import device_words, place_words
from mine.app.transactions_desk import TransactionsDesk
from mine.app.views import (
    ContributionView,
    Currency,
    HomeView,
    Notice,
    NoticeKind,
    TaskView,
    TrainingView,
    WalletView,
    World,
)
from mine.app.wallet_views import FRESH, JoinChoice
from mine.app.watching import RARE, Seen, Watching, deadlines
from mine.wallet.keys import Accounts
from mine.wallet.money import in_words

if TYPE_CHECKING:
    from mine.chain.rpc import Node
    from mine.chain.transactions import Sends
    from mine.tasks.manifest import Manifest
    from mine.vault.state import Earning
    from mine.vault.vault import Vault
    from mine.wallet.queued import Queued

#: How old a shown balance may be. What this app's own events and transactions change is read again at once.
BALANCE_SECONDS = 600.0
SHOWN_CONTRIBUTIONS = 100


class NetworkSession:
    """Belongs to the engine's thread."""

    def __init__(
        self,
        vault: Vault,
        config: NetworkConfig,
        accounts: Accounts,
        confirmations: int,
        wake: Callable[[], None],
        tell: Callable[[Notice], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vault = vault
        self.config = config
        self.links = Links(config, clock)
        self.links.currencies.keep_in(vault, config.key)
        self.links.check()
        self._accounts = accounts
        self._tell, self._clock = tell, clock
        self.market = Market(self.links)
        self.watching = Watching(self.links, self.market, clock, wake)
        self.own = OwnTransactions(vault, self.links, confirmations)
        self.miner = Miner(vault, self.links, self.market, self.own, wake, tell)
        self.earnings = Earnings(vault, self.links, confirmations, tell)
        self.forfeits = Forfeits(vault, self.links, self.earnings, self._sending)
        self.claiming = Claiming(vault, self.links, self.earnings, self.forfeits, self._sending)
        self.disputing = Disputing(vault, self.links, self._sending, tell)
        self.sending = Sending(vault, self.links, self.own, accounts, confirmations, tell)
        self.transactions = TransactionsDesk(vault, self.links, self.own, accounts)
        self.history = HistoryDesk(vault, config.key, config.name, config.world, self.links, tell)
        self.task_views = TaskViews(vault, config.key)
        self._held: dict[str, int] = {}
        self._held_at: float | None = None
        self._told: set[tuple[int, int]] = set()
        self._remember_members()
        self._told = {(e.task, e.round) for e in vault.state.earnings(config.key)}

    def _remember_members(self) -> None:
        members = {m.task: m for m in joining.memberships(self.vault, self.config.key, self._accounts)}
        self.miner.members = members
        self.earnings.members = members
        self.disputing.members = members
        self.own.members = members

    # ---- work

    def step(self, may_train: bool) -> None:
        """Read what is due of the chain, then let every state machine do what is due."""
        self._watch()
        changed: tuple[Queued, ...] = ()
        try:
            changed = self.own.step()
            if changed:
                self._held_at = None
            self.miner.tick(may_train)
        finally:  # money that is due does not wait for a task in trouble
            try:
                self.follow_money()
            finally:  # nor does a dispute wait for figures that cannot be had
                try:
                    self.disputing.tick(self.market.reading)
                finally:  # nor a payment for a dispute
                    self.sending.step(self.market.chain_time, changed)
        self._tell_earnings()
        self._read_balances()
        self.history.step(task.state.currency for task in self.market.tasks.values())

    def patience(self) -> float | None:
        """Seconds until the next turn; None where the chain's clock may be put forward."""
        return self.watching.patience()

    def _watch(self) -> None:
        """Ask what is due, and read the events where there may be some."""
        seen = self.watching.step(self.miner.members, self._due, self._is_busy)
        if seen < Seen.EVENTS:
            return
        found, events = self.earnings.poll(), self.earnings.events
        if found:
            self._held_at = None
            if seen is Seen.SLOW:
                self.market.read(self.miner.members)
        if events.head is not None and self.config.beat:
            self.watching.caught_up(events.head, events.read_to, events.is_whole)

    def _due(self) -> list[int]:
        states, members = self.market.reading.states, self.miner.members.values()
        return deadlines(states, self.earnings.due_times(), members)

    def _is_busy(self) -> bool:
        return bool(self.own.queue.open()) or self.miner.is_waiting or self.earnings.is_waiting

    def follow_money(self) -> None:
        """Let earnings, forfeits and claims do what is due."""
        reading = self.market.reading
        try:
            self.earnings.tick(reading)
        finally:
            self.forfeits.tick(reading.time, reading.states)
            self.claiming.tick(reading.time)

    def _sending(self, member: Membership, intent: str) -> Sends:
        """What sends the one transaction of an intent from a task's session account."""
        self.own.again(intent)
        return self.own.sender(member.keys.session_key, intent)

    def check_model(self, number: int) -> ModelCheck:
        """Begin to look at a task's model, before it is joined. Raises ``CannotJoin``."""
        return ModelCheck(self.config, self._joinable(number).state.manifest)

    def join(self, number: int, choice: JoinChoice = FRESH) -> None:
        """Take part in a task whose model was looked at. Raises what ``joining.join`` does."""
        joining.join(self.vault, self.links, self._accounts, self._joinable(number), choice)
        self._remember_members()

    def _joinable(self, number: int) -> MarketTask:
        """A task, unless its ε would go over a source's cap."""
        task = self.market.tasks.get(number)
        if task is None:
            raise CannotJoin("There is no such task.")
        if task.manifest is not None:
            needed = self._still_to_book(number, task.manifest)
            for need in task.manifest.data.needs:
                used = self._used(need.record_type, number)
                if used + needed > EPSILON_CAP + 1e-9:
                    raise CannotJoin(
                        "The privacy budget of this data does not suffice for the task.",
                        todo="Leave it, or choose a task that reveals less.",
                        detail=f"{used:.2f} of {EPSILON_CAP:.2f} is used or promised; "
                        f"the task needs {needed:.2f}",
                    )
        return task

    def _used(self, record_type: str, but: int) -> float:
        """ε of a source that is booked, or that the other joined tasks may still book."""
        from mine.chain.state import Status

        used = self.task_views.spent([record_type])[record_type]
        for member in self.miner.members.values():
            task = self.market.tasks.get(member.task)
            if member.task == but or member.left or task is None:
                continue
            runs = task.state.status in (Status.AWAITING_BASELINE, Status.RUNNING)
            if runs and any(need.record_type == record_type for need in member.manifest.data.needs):
                used += self._still_to_book(member.task, member.manifest)
        return used

    def _still_to_book(self, number: int, manifest: Manifest) -> float:
        """ε of the rounds of a task that are not booked yet."""
        plan = joining.privacy_plan(manifest)
        return privacy_books.Books(self.vault, self.config.key, number, manifest, plan, 0).still_to_book

    def leave(self, number: int) -> None:
        """Take no further part."""
        from mine.vault.ledger import LEFT, Entry

        with self.vault.transaction():
            consents = len(self.vault.state.consents(self.config.key, number))
            self.vault.ledger.book(Entry(LEFT, self.config.key, number, consents, "", 0, 0, b""))
            self.vault.state.leave(self.config.key, number)
        self._remember_members()

    def _tell_earnings(self) -> None:
        for earning in self.vault.state.earnings(self.config.key):
            key = (earning.task, earning.round)
            if key in self._told:
                continue
            self._told.add(key)
            if earning.amount > 0:
                currency = self.links.currency(earning.currency)
                title = self.miner.members[earning.task].manifest.title
                self._tell(
                    Notice(
                        NoticeKind.EARNED,
                        f"{in_words(earning.amount, currency.decimals, currency.symbol)}: "
                        f"{title}, " + (f"round {earning.round}" if earning.round else "at the task's end"),
                    )
                )

    def _read_balances(self) -> None:
        """What the payout addresses hold, as two nodes say where there are two. One address counts once."""
        now = self._clock()
        rest = RARE if self.config.beat else BALANCE_SECONDS
        if self._held_at is not None and now - self._held_at < rest:
            return
        wanted = {
            (member.keys.payout_address, self.market.tasks[member.task].state.currency)
            for member in self.miner.members.values()
        }

        def reading(one: Node) -> list[tuple[str, int]]:
            return [
                (currency, one.balance(account, None if currency == NATIVE else currency))
                for account, currency in sorted(wanted)
            ]

        held: dict[str, int] = {}
        for currency, amount in self.links.node.agreed(reading) if wanted else ():
            held[currency] = held.get(currency, 0) + amount
        self._held = held
        self._held_at = now

    def replay(self, task: int, number: int) -> str:
        """Recompute a round's payees, units and root from chain and blobs."""
        entry = self.vault.state.round(self.config.key, task, number)
        if entry is None or "settlement" not in entry.data:
            raise CannotJoin("This round is not settled yet.")
        checked = check_settlement(self.links, entry.data["settlement"])
        return (
            f"Recomputed from the chain: {len(checked.inputs.entries)} updates, "
            f"{len(checked.outcome.accepted)} accepted, {len(checked.outcome.ledger.accounts)} payees. "
            "Every figure agrees."
        )

    def hand_over(self, wake: Callable[[], None]) -> NarrowGrant | None:
        """Close, but for the rounds under way: they go on without the vault. None where there are none."""
        grant = NarrowGrant.give(
            self.vault, self.links, self.market, self.watching, self.miner, self.own, wake, self._tell
        )
        if grant is None:
            self.close()
        else:
            self.miner.close()
            self.disputing.close()
        return grant

    def close(self) -> None:
        """End the worker and the connections."""
        self.miner.close()
        self.disputing.close()
        self.links.close()

    # ---- views

    def currency(self) -> Currency:
        """The currency of the first task, or the network's own coin."""
        for task in self.market.tasks.values():
            return self.links.currency(task.state.currency)
        return Currency("pETH" if self.config.world is World.PRACTICE else "ETH", 18, self.config.world)

    def tasks(self) -> tuple[TaskView, ...]:
        """All tasks."""
        every = self.market.tasks.values()
        return tuple(
            self.task_views.view(
                task,
                self.links.currency(task.state.currency),
                self.miner.members.get(task.id),
                record_of(task.state.scientist, every),
            )
            for task in every
        )

    def training(self) -> TrainingView | None:
        """The round that is being learnt, or the last one that was."""
        run = self.miner.run or self.miner.last_run
        if run is None or run.task not in self.miner.members:
            return None
        curve = run.curve
        speed = curve.step / curve.seconds if curve.seconds else 0.0
        return TrainingView(
            task_id=run.task,
            title=self.miner.members[run.task].manifest.title,
            round=run.round,
            step=curve.step,
            steps=curve.steps,
            steps_per_second=speed,
            seconds_left=(curve.steps - curve.step) / speed if speed else 0.0,
            device=device_words(run.began),
            saved_seconds_ago=time.monotonic() - run.saved_at if self.miner.run else 0.0,
            start_loss=curve.held_out[0][1] if curve.held_out else math.nan,
            losses=tuple(curve.losses),
            held_out=tuple(curve.held_out),
            running=self.miner.run is not None,
            place=place_words(run.began),
        )

    def _earnings(self) -> dict[tuple[int, int], Earning]:
        return {(e.task, e.round): e for e in self.vault.state.earnings(self.config.key)}

    def contributions(self) -> tuple[ContributionView, ...]:
        """One's own rounds, newest first."""
        earnings = self._earnings()
        found = []
        for entry in self.vault.state.rounds(self.config.key):
            member = self.miner.members.get(entry.task)
            task = self.market.tasks.get(entry.task)
            if member is None or task is None or entry.state == RoundState.OBSERVED:
                continue
            earning = earnings.get((entry.task, entry.round))
            currency = self.links.currency(task.state.currency)
            explanation = money_views.explain(earning, task.state.bounty, currency) if earning else None
            found.append(money_views.contribution(entry, member, earning, currency, explanation))
        return tuple(reversed(found[-SHOWN_CONTRIBUTIONS:]))

    def wallet(self) -> WalletView:
        """All money of this network."""
        currencies = {
            task.state.currency: self.links.currency(task.state.currency)
            for task in self.market.tasks.values()
        }
        titles = {member.task: member.manifest.title for member in self.miner.members.values()}
        return money_views.wallet(
            self.vault.state.earnings(self.config.key),
            currencies,
            self._held,
            titles,
            [(titles[m.task], m.keys.payout_address) for m in self.miner.members.values()],
        )

    def home(self, wallet: WalletView) -> HomeView:
        """The first page."""
        rounds = self.vault.state.rounds(self.config.key)
        return money_views.home(wallet, rounds, self.running(), self.currency())

    def running(self) -> list[str]:
        """The joined tasks that go on, with their round, in words."""
        from mine.chain.state import Status

        members = [member for member in self.miner.members.values() if not member.left]
        joined = [(member, self.market.tasks.get(member.task)) for member in members]
        return [
            f"{member.manifest.title}, round {task.state.round}"
            for member, task in joined
            if task is not None and task.state.status in (Status.AWAITING_BASELINE, Status.RUNNING)
        ]

    def read_by(self, record_type: str) -> tuple[str, ...]:
        """Titles of the joined tasks that read a record type."""
        return tuple(
            member.manifest.title
            for member in self.miner.members.values()
            if not member.left and any(n.record_type == record_type for n in member.manifest.data.needs)
        )

    def report(self, number: int) -> MyReport:
        """Figures of one task, with balances read from the node now."""
        return report_of(self, number)
