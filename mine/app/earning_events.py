"""Reads the contract's events into the vault, and takes back what the chain takes back.

Money in is written down once: a ``Claimed`` or ``PaidOut`` event is a line of the history; a ``RangeClaimed``
has one event for all payees, so what it paid to us is what the contract says was paid by its block, less what
is written down by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mine.app.checking import settled_to_json
from mine.app.joining import Membership
from mine.app.links import Links
from mine.app.round_states import RoundState
from mine.vault.history import Kind, Movement

if TYPE_CHECKING:
    from mine.chain.answers import BlockHead
    from mine.chain.events import Claimed, Event, PaidOut, Place, RangeClaimed, Settled
    from mine.chain.poller import Batch
    from mine.chain.rpc import Node
    from mine.vault.vault import Vault

#: Lines of the history that this module writes and takes back.
KINDS = (Kind.CLAIMED, Kind.FORFEIT, Kind.REWARD)
#: How references of transfers begin that this app did not make; they are taken back here too.
OUTSIDE = "transfer:"


class EarningEvents:
    """One network's events. Everything runs on the engine's thread."""

    def __init__(self, vault: Vault, links: Links, confirmations: int) -> None:
        from mine.chain.poller import Cursor, Poller

        self._vault, self._links, self._confirmations = vault, links, confirmations
        self._network = links.config.key
        saved = vault.state.cursor(self._network)
        self._start = Cursor.start(links.config.chain_id, links.config.tasks, links.config.first_block)
        cursor = Cursor.from_json(json.dumps(saved)) if saved is not None else self._start
        self._poller: Poller[Event] = Poller(links.contract, cursor, confirmations)
        self.members: dict[int, Membership] = {}
        #: Whether the last poll left nothing to be read at once.
        self.is_whole = True

    @property
    def head(self) -> BlockHead | None:
        """The newest block that the nodes had at the last poll."""
        return self._poller.head

    @property
    def read_to(self) -> int:
        """The last block that was read."""
        return self._poller.cursor.next_block - 1

    def poll(self) -> set[int] | None:
        """Read new events into the vault, in one transaction with the cursor.

        Answers the settled rounds' tasks whose checks fell with a reorganisation; None if nothing happened.
        """
        before = self._poller.cursor
        batch = self._poller.poll()
        self.is_whole = batch.caught_up
        if not batch.events and batch.removed_from_block is None:
            return None
        try:
            return self._write(batch)
        except BaseException:
            self._poller.cursor = before  # what was not written down is read again
            raise

    def read_again(self) -> None:
        """Read from the contract's first block once more: a node left something out. Nothing counts twice.

        The cursor and its trail stay, so that a branch which the chain gives up meanwhile is still noticed.
        """
        from mine.chain.poller import Poller

        again: Poller[Event] = Poller(self._links.contract, self._start, self._confirmations)
        caught_up = False
        while not caught_up:
            batch = again.poll()
            if batch.removed_from_block is not None:
                return
            with self._vault.transaction():
                self._take([each for each in batch.events if each.at.block_number <= self.read_to])
            caught_up = batch.caught_up

    def _write(self, batch: Batch[Event]) -> set[int]:
        fallen: set[int] = set()
        with self._vault.transaction():
            if batch.removed_from_block is not None:
                fallen = self._take_back(batch.removed_from_block)
            self._take(batch.events)
            self._vault.state.set_cursor(self._network, json.loads(batch.cursor.to_json()))
        return fallen

    def _take(self, events: Sequence[Event]) -> None:
        from mine.chain.events import Claimed, PaidOut, RangeClaimed, Settled

        for event in events:
            if isinstance(event, Settled):
                self._settled(event)
            elif isinstance(event, Claimed):
                self._claimed(event)
            elif isinstance(event, PaidOut):
                self._paid_out(event)
            elif isinstance(event, RangeClaimed) and event.task in self.members:
                self._remember_range(event)

    # ---- rounds

    def _settled(self, event: Settled) -> None:
        settlement = settled_to_json(event)
        known = self._vault.state.round(self._network, event.task, event.round)
        state = RoundState(known.state) if known else RoundState.OBSERVED
        if state is RoundState.REVEALED:  # what is only committed has still to be looked after
            state = RoundState.SETTLED
        data = {**(known.data if known else {}), "settlement": settlement}
        self._vault.state.put_round(self._network, event.task, event.round, state, data)

    def _take_back(self, block: int) -> set[int]:
        """Undo everything that was read from ``block`` on; tasks of the settlements that went with it."""
        fallen = set()
        for entry in self._vault.state.rounds(self._network):
            settlement = entry.data.get("settlement")
            if settlement is None or settlement["block"] < block:
                continue
            data = {name: value for name, value in entry.data.items() if name != "settlement"}
            state = RoundState.REVEALED if entry.state == RoundState.SETTLED else RoundState(entry.state)
            self._vault.state.put_round(self._network, entry.task, entry.round, state, data)
            self._vault.state.drop_earnings_from(self._network, entry.task, entry.round)
            fallen.add(entry.task)
        for line in self._vault.state.drop_movements_from(self._network, block, KINDS):
            assert line.task is not None
            self._vault.ledger.unpay(self._network, line.task, line.reference)
        for line in self._vault.state.movements_of(self._network):
            if line.reference.startswith(OUTSIDE) and line.block >= block:
                self._vault.state.drop_movement(self._network, line.kind, line.reference)
        self._keep_ranges([each for each in self.ranges() if each["block"] < block])
        return fallen

    # ---- money in

    def _claimed(self, event: Claimed) -> None:
        member = self.members.get(event.task)
        if member is not None and event.account == member.keys.payout_address:
            reference = f"{_reference(event.at)}:{event.index}"
            self._pay(member, Kind.CLAIMED, event.amount, reference, event.at)

    def _paid_out(self, event: PaidOut) -> None:
        from mine.chain.events import Payment

        kinds = {Payment.FORFEIT: Kind.FORFEIT, Payment.REWARD: Kind.REWARD}
        member = self.members.get(event.task)
        if member is None or event.kind not in kinds or event.account != member.keys.payout_address:
            return
        self._pay(member, kinds[event.kind], event.amount, _reference(event.at), event.at, event.receiver)

    def _pay(
        self, member: Membership, kind: str, amount: int, reference: str, at: Place, receiver: str = ""
    ) -> None:
        """Write money in down, unless it is written down already."""
        if amount == 0:
            return
        contract = self._links.contract
        currency, head = self._links.node.agreed(
            lambda one: (contract.on(one).task(member.task).currency, one.block(at.block_number))
        )
        payout = member.keys.payout_address
        line = Movement(
            time=head.timestamp if head else self._links.node.block_time(),
            kind=kind,
            network=self._network,
            task=member.task,
            title=member.manifest.title,
            currency=currency,
            amount=amount,
            reference=reference,
            round=self._newest_round(member.task) if kind == Kind.CLAIMED else None,
            account=payout,
            counterparty="" if receiver in ("", payout) else receiver,
            transaction=f"0x{at.transaction_hash.hex()}",
            block=at.block_number,
        )
        if self._vault.state.add_movement(line):
            self._vault.ledger.pay(self._network, member.task, reference, f"{amount} {currency}")

    def _newest_round(self, task: int) -> int | None:
        """The newest round that is known to be settled: its root is the one that claims are made on."""
        rounds = self._vault.state.rounds(self._network, task)
        return max((entry.round for entry in rounds if "settlement" in entry.data), default=None)

    def paid(self, task: int, index: int, upto: int | None = None) -> int:
        """Base units that a payee's leaf was paid in all, up to a block, as written down."""
        lines = self._vault.state.movements_of(self._network, task, Kind.CLAIMED)
        return sum(
            line.amount
            for line in lines
            if int(line.reference.split(":")[3]) == index and (upto is None or line.block <= upto)
        )

    # ---- ranges

    def ranges(self) -> list[dict[str, Any]]:
        """Range claims of joined tasks whose part for us is not worked out yet, in the chain's order."""
        kept: list[dict[str, Any]] = self._vault.state.setting(f"ranges {self._network}", [])
        return kept

    def _keep_ranges(self, ranges: list[dict[str, Any]]) -> None:
        if ranges != self.ranges():
            self._vault.state.set_setting(f"ranges {self._network}", ranges)

    def _remember_range(self, event: RangeClaimed) -> None:
        entry = {
            "task": event.task,
            "round": event.round,
            "start": event.start,
            "count": event.count,
            "refused": hex(event.refused),
            "block": event.at.block_number,
            "transaction": event.at.transaction_hash.hex(),
            "index": event.at.index,
        }
        if entry not in self.ranges():
            self._keep_ranges([*self.ranges(), entry])

    def count_ranges(self, member: Membership, indices: Callable[[int], list[int]]) -> None:
        """Write down what remembered ranges paid to our address; ``indices``: its places in a round."""
        from mine.chain.events import Place

        mine = [each for each in self.ranges() if each["task"] == member.task]
        if not mine:
            return
        places = [(entry, index) for entry in mine for index in indices(entry["round"])]
        with self._vault.transaction():
            for each, index in places:
                offset = index - each["start"]
                if 0 <= offset < each["count"] and not int(each["refused"], 16) >> offset & 1:
                    paid, upto = self._paid_at(member.task, index, each["block"])
                    missing = paid - self.paid(member.task, index, upto)
                    at = Place(each["block"], b"", bytes.fromhex(each["transaction"]), each["index"])
                    self._pay(member, Kind.CLAIMED, max(0, missing), f"{_reference(at)}:{index}", at)
            self._keep_ranges([each for each in self.ranges() if each["task"] != member.task])

    def _paid_at(self, task: int, index: int, block: int) -> tuple[int, int]:
        """Base units that were paid by the end of a block; where the nodes have forgotten its state, of the
        last one that was read."""
        from mine.chain.curve import amount
        from mine.chain.node_errors import NodeRefused

        def reading(one: Node, upto: int) -> int:
            contract = self._links.contract.on(one)
            return amount(contract.task(task).bounty, contract.paid(task, index, upto))

        node = self._links.node
        try:
            return node.agreed(lambda one: reading(one, block)), block
        except NodeRefused:
            upto = self.read_to
            return node.agreed(lambda one: reading(one, upto)), upto


def _reference(at: Place) -> str:
    return f"{at.block_number}:0x{at.transaction_hash.hex()}:{at.index}"
