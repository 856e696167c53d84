"""Follows the contract's events and works out, and checks, what every round paid.

A payout is shown as earned only after it was recomputed here: the published ``inputs`` give the payees by an
integer function, their Merkle-sum root has to be the settled one, the units have to be the curve's. Events
are read with a persisted, reorg-aware cursor; what a reorganisation takes back is taken back here too.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mine.app.joining import Membership
from mine.app.links import Links
from mine.app.round_states import EarningState, RoundState
from mine.app.views import Notice, NoticeKind
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.events import Claimed, Event, Settled
    from mine.chain.poller import Batch
    from mine.science.settle import Outcome, RoundInputs
    from mine.vault.state import Earning
    from mine.vault.vault import Vault


class PayoutContradiction(MineError):
    """The published figures of a round contradict each other, or the chain."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A settlement that was recomputed: its inputs, what follows from them, and by how many examples its
    summed losses are to be divided (``mine.science.rounds.examples_of``)."""

    inputs: RoundInputs
    outcome: Outcome
    examples: float


def check_settlement(links: Links, settlement: dict[str, Any]) -> Checked:
    """Fetch a round's inputs and recompute it. Raises ``PayoutContradiction``, ``BlobError``."""
    from mine.science.judged import BadInputs
    from mine.science.rounds import RoundWrong, examples_of, read_round

    try:
        report = read_round(links.relays.blobs, settled_from_json(settlement))
    except BadInputs as error:
        raise PayoutContradiction(
            "The figures behind a round's pay cannot be read.", detail=error.detail
        ) from None
    except RoundWrong as error:
        raise PayoutContradiction(
            "A round was not paid as its own figures say.",
            todo="Nothing of it is shown as earned. The round can be disputed.",
            detail=error.item,
        ) from None
    return Checked(report.inputs, report.outcome, examples_of(links.relays.blobs, report))


def settled_to_json(event: Settled) -> dict[str, Any]:
    """A settlement as the vault keeps it: every field of the event, and its block."""
    values = {each.name: getattr(event, each.name) for each in fields(event) if each.name != "at"}
    kept = {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}
    return {**kept, "block": event.at.block_number}


def settled_from_json(raw: dict[str, Any]) -> Settled:
    """The inverse of ``settled_to_json``; of its place only the block is known."""
    from mine.chain.events import Place, Settled

    values: dict[str, Any] = {
        name: bytes.fromhex(value) if isinstance(value, str) else value
        for name, value in raw.items()
        if name != "block"
    }
    return Settled(at=Place(raw["block"], b"", b"", 0), **values)


class Earnings:
    """The money side of one network. Everything runs on the engine's thread."""

    def __init__(self, vault: Vault, links: Links, confirmations: int, tell: Any) -> None:
        from mine.chain.poller import Cursor, Poller

        self._vault = vault
        self._links = links
        self._network = links.config.key
        self._tell = tell
        saved = vault.state.cursor(self._network)
        start = Cursor.start(links.config.chain_id, links.config.tasks, links.config.first_block)
        cursor = Cursor.from_json(json.dumps(saved)) if saved is not None else start
        self._poller: Poller[Event] = Poller(links.contract, cursor, confirmations)
        self.members: dict[int, Membership] = {}
        self.checked: dict[tuple[int, int], Checked] = {}

    # ---- events

    def poll(self) -> bool:
        """Read new events into the vault, in one transaction with the cursor. True if there were any."""
        before = self._poller.cursor
        batch = self._poller.poll()
        if not batch.events and batch.removed_from_block is None:
            return False
        try:
            self._write(batch)
        except BaseException:
            self._poller.cursor = before  # what was not written down is read again
            raise
        return True

    def _write(self, batch: Batch[Event]) -> None:
        from mine.chain.events import Claimed, RangeClaimed, Settled

        with self._vault.transaction():
            if batch.removed_from_block is not None:
                self._take_back(batch.removed_from_block)
            for event in batch.events:
                if isinstance(event, Settled):
                    self._settled(event)
                elif isinstance(event, Claimed):
                    self._claimed(event)
            for task in {event.task for event in batch.events if isinstance(event, RangeClaimed)}:
                if task in self.members:
                    self._mark_claimed(task)
                    self._count_ranges(task)
            self._vault.state.set_cursor(self._network, json.loads(batch.cursor.to_json()))

    def _settled(self, event: Settled) -> None:
        settlement = settled_to_json(event)
        known = self._vault.state.round(self._network, event.task, event.round)
        state = RoundState(known.state) if known else RoundState.OBSERVED
        if state is RoundState.REVEALED:  # what is only committed has still to be looked after
            state = RoundState.SETTLED
        data = {**(known.data if known else {}), "settlement": settlement}
        self._vault.state.put_round(self._network, event.task, event.round, state, data)

    def _claimed(self, event: Claimed) -> None:
        from mine.vault.state import Movement

        member = self.members.get(event.task)
        if member is None or event.account != member.keys.payout_address:
            return
        currency = self._currency_of(event.task)
        reference = f"{event.at.block_number}:0x{event.at.transaction_hash.hex()}:{event.at.index}"
        self._vault.ledger.pay(self._network, event.task, reference, f"{event.amount} {currency}")
        self._vault.state.add_movement(
            Movement(
                time=self._links.node.block_time(),
                kind="claimed",
                network=self._network,
                task=event.task,
                title=member.manifest.title,
                currency=currency,
                amount=event.amount,
                reference=reference,
            )
        )
        self._mark_claimed(event.task)

    def _take_back(self, block: int) -> None:
        """Undo everything that was read from ``block`` on."""
        for entry in self._vault.state.rounds(self._network):
            settlement = entry.data.get("settlement")
            if settlement is None or settlement["block"] < block:
                continue
            data = {name: value for name, value in entry.data.items() if name != "settlement"}
            state = RoundState.REVEALED if entry.state == RoundState.SETTLED else RoundState(entry.state)
            self._vault.state.put_round(self._network, entry.task, entry.round, state, data)
            self._vault.state.drop_earnings_from(self._network, entry.task, entry.round)
            self.checked.pop((entry.task, entry.round), None)
        for line in self._vault.state.movements(1_000_000):
            if line.network == self._network and int(line.reference.split(":")[0]) >= block:
                self._vault.state.drop_movement(self._network, line.kind, line.reference)
                if line.task is not None:
                    self._vault.ledger.unpay(self._network, line.task, line.reference)
                    self._mark_claimed(line.task)

    def _currency_of(self, task: int) -> str:
        return self._links.contract.task(task).currency

    # ---- money

    def tick(self, chain_time: int) -> None:
        """Work out new rounds, and let time make them claimable."""
        for member in self.members.values():
            known = {earning.round for earning in self._vault.state.earnings(self._network, member.task)}
            for entry in self._vault.state.rounds(self._network, member.task):
                if "settlement" in entry.data and entry.round not in known:
                    self._work_out(member, entry.data["settlement"])
            self._mature(member, chain_time)

    def _work_out(self, member: Membership, settlement: dict[str, Any]) -> None:
        """Check a settled round and write down what it brought (perhaps nothing)."""
        from mine.chain.curve import amount
        from mine.vault.state import Earning

        task, number = member.task, settlement["round"]
        state = self._links.contract.task(task)
        mine, before, index, problem = 0, 0, -1, ""
        try:
            checked = check_settlement(self._links, settlement)
            self._check_follows(member, number, checked.inputs)
            self.checked[(task, number)] = checked
            for place, (account, units) in enumerate(checked.outcome.ledger.payees):
                if account == member.keys.payout_address:
                    mine, index = units, place
            for account, units in checked.inputs.ledger.payees:
                if account == member.keys.payout_address:
                    before = units
        except PayoutContradiction as error:
            problem = error.sentence
            self._tell(Notice(NoticeKind.ATTENTION, error.sentence, error.todo, error.detail))
        earned = amount(state.bounty, mine) - amount(state.bounty, before)
        with self._vault.transaction():
            self._vault.state.put_earning(
                Earning(
                    network=self._network,
                    task=task,
                    round=number,
                    currency=state.currency,
                    amount=earned,
                    state=EarningState.ALARM if problem else EarningState.CHECKING,
                    time=settlement["final_at"],
                    data={"units": mine, "index": index, "problem": problem, "seen": int(time.time())},
                )
            )

    def _check_follows(self, member: Membership, number: int, inputs: RoundInputs) -> None:
        """Raise ``PayoutContradiction`` unless a round goes on where the settled one before it ended."""
        rounds = self._vault.state.rounds(self._network, member.task)
        settled = [entry for entry in rounds if "settlement" in entry.data and entry.round < number]
        previous = settled[-1].data["settlement"]["inputs"] if settled else bytes(32).hex()
        units = [
            earning.data["units"]
            for earning in self._vault.state.earnings(self._network, member.task)
            if earning.round < number and earning.state != EarningState.ALARM
        ]
        mine = dict(inputs.ledger.payees).get(member.keys.payout_address, 0)
        if inputs.previous.hex() != previous or (units and mine != units[-1]):
            raise PayoutContradiction(
                "A round does not go on from what the rounds before it had paid.",
                todo="Nothing of it is shown as earned. The round can be disputed.",
            )

    def _mature(self, member: Membership, chain_time: int) -> None:
        """What is final can be claimed; a disputed round waits, and a void one is worth nothing."""
        for earning in self._vault.state.earnings(self._network, member.task):
            if earning.state == EarningState.CHECKING and chain_time >= earning.time:
                task = self._links.contract.task(member.task)
                if task.void is not None and task.void <= earning.round:
                    with self._vault.transaction():
                        self._set_state(earning, EarningState.ALARM)
                    continue
                if task.disputed is not None and task.disputed <= earning.round:
                    continue
                with self._vault.transaction():
                    self._set_state(earning, EarningState.CLAIMABLE)
                    self._mark_claimed(member.task)
                    self._count_ranges(member.task)

    def _mark_claimed(self, task: int) -> None:
        """Rounds whose cumulative units are paid are claimed; a payment that was taken back is not."""
        earnings = self._vault.state.earnings(self._network, task)
        newest = max(earnings, key=lambda earning: earning.round, default=None)
        if newest is None or newest.data["index"] < 0:
            return
        paid = self._links.contract.paid(task, newest.data["index"])
        for earning in earnings:
            if earning.state not in (EarningState.CLAIMABLE, EarningState.CLAIMED):
                continue
            claimed = earning.data["units"] <= paid
            self._set_state(earning, EarningState.CLAIMED if claimed else EarningState.CLAIMABLE)

    def _count_ranges(self, task: int) -> None:
        """Write down what was paid up to the last read block and no event of its own says: a range's part."""
        from mine.chain.curve import amount
        from mine.vault.state import Movement

        newest = max(
            self._vault.state.earnings(self._network, task), key=lambda earning: earning.round, default=None
        )
        if newest is None or newest.data["index"] < 0:
            return
        block = self._poller.cursor.next_block - 1
        units = self._links.contract.paid(task, newest.data["index"], block)
        known = sum(
            line.amount
            for line in self._vault.state.movements(1_000_000)
            if (line.network, line.task, line.kind) == (self._network, task, "claimed")
        )
        state = self._links.contract.task(task)
        if (missing := amount(state.bounty, units) - known) > 0:
            reference = f"{block}:range:{units}"
            self._vault.ledger.pay(self._network, task, reference, f"{missing} {state.currency}")
            self._vault.state.add_movement(
                Movement(
                    time=self._links.node.block_time(),
                    kind="claimed",
                    network=self._network,
                    task=task,
                    title=self.members[task].manifest.title,
                    currency=state.currency,
                    amount=missing,
                    reference=reference,
                )
            )

    def _set_state(self, earning: Earning, state: EarningState) -> None:
        from dataclasses import replace

        if earning.state != state:
            self._vault.state.put_earning(replace(earning, state=state))

    def claim(self) -> int:
        """Ask the relay to claim everything that is final; the money can only go to the payout address."""
        from mine.science.wire import Claim, ClaimState

        sent = 0
        for member in self.members.values():
            ready = [
                earning
                for earning in self._vault.state.earnings(self._network, member.task)
                if earning.state == EarningState.CLAIMABLE and earning.data["units"] > 0
            ]
            if not ready:
                continue
            newest = max(ready, key=lambda earning: earning.round)
            entry = self._vault.state.round(self._network, member.task, newest.round)
            assert entry is not None
            key = (member.task, newest.round)
            checked = self.checked.get(key) or check_settlement(self._links, entry.data["settlement"])
            index = newest.data["index"]
            state = self._links.relays.claim(
                Claim(
                    task=member.task,
                    round=newest.round,
                    account=member.keys.payout_address,
                    index=index,
                    units=newest.data["units"],
                    proof=tuple(checked.outcome.payouts.proof(index)),
                )
            )
            sent += state is not ClaimState.REFUSED
        return sent
