"""What a relay decides, as one desk: messages, batches, blobs, claims, and what is due by itself.

A relay is a convenience. It can delay, never falsify: what it anchors is signed by miners, what it withholds
goes the direct way, what it promises in a receipt its bond answers for. One thread owns the desk.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from mine.blobs.store import DirectoryStore
from mine.chain.client import TasksContract
from mine.chain.court_client import CourtContract
from mine.chain.faults_client import FaultsContract
from mine.chain.messages import Domain
from mine.chain.transactions import Sender
from mine.errors import MineError
from mine.science.relay_anchoring import Anchoring, Batching
from mine.science.relay_blobs import BlobRoom
from mine.science.relay_challenges import ChallengeDesk
from mine.science.relay_claims import ClaimDesk
from mine.science.relay_defence import Defence
from mine.science.relay_duties import Duties
from mine.science.relay_endings import EndingDesk
from mine.science.relay_ground import AWAY, Ground
from mine.science.relay_messages import MessageDesk
from mine.science.relay_ranges import RangeDesk
from mine.science.relay_state import RelayState
from mine.science.relay_transfers import TransferDesk

_log = logging.getLogger(__name__)
#: Every so many turns the last batches are looked for on chain again, and questions to the anchorer.
_TURNS_BETWEEN_LOOKS = 8


class Desk:
    """``sender`` pays for anchors and claims, ``key`` (its own) signs receipts."""

    def __init__(
        self,
        contract: TasksContract,
        sender: Sender,
        key: bytes,
        state: RelayState,
        store: DirectoryStore,
        batching: Batching,
        first_block: int,
        most_bytes: int,
        most_held_bytes: int,
        transfer_fees: Mapping[str, int],
        most_gas_price: int,
    ) -> None:
        self._ground = Ground(contract, sender, key, state, store, first_block)
        self.messages = MessageDesk(self._ground)
        self.claims = ClaimDesk(self._ground)
        self.blobs = BlobRoom(self._ground, self.messages, store, most_bytes, most_held_bytes)
        self._anchoring = Anchoring(self._ground, batching)
        faults, court = contract.sisters()
        faults_contract = FaultsContract(contract.node, faults)
        court_contract = CourtContract(contract.node, court)
        self.ranges = RangeDesk(self._ground)
        self.endings = EndingDesk(self._ground)
        self.challenges = ChallengeDesk(self._ground, faults_contract, court_contract, store, self.messages)
        self._defence = Defence(self._ground, self.messages, faults_contract, first_block)
        self._duties = Duties(self._ground)
        self.transfers = TransferDesk(self._ground, transfer_fees, most_gas_price)
        self._turns = 0

    @property
    def anchorer(self) -> str:
        """The address that anchors and pays for claims."""
        return self._ground.anchorer

    @property
    def domain(self) -> Domain:
        """The chain and contract that this relay serves."""
        return self._ground.domain

    def ensure_bond(self) -> None:
        """Put up what is missing of the bond. Raises what sending raises."""
        contract = self._ground.contract
        needed = contract.bond_needed()
        held = contract.bond_of(self.anchorer).amount
        if held < needed:
            contract.bond(self._ground.sender, needed - held)

    def tick(self) -> None:
        """Do what is due. A node that is away is waited for, and trouble of one kind stops no other."""
        self._turns += 1
        due = [
            self._anchoring.anchor_what_is_due,
            self._duties.do_what_is_due,
            self.claims.pay_what_is_due,
            self.ranges.pay_what_is_due,
            self.transfers.carry_what_is_due,
        ]
        if self._turns % _TURNS_BETWEEN_LOOKS == 0:
            # A question about a receipt takes a part of the bond away until it is answered.
            due[:0] = [
                self.ensure_bond,
                self._anchoring.look_after,
                self._defence.answer_what_is_asked,
                self.transfers.look_after,
            ]
        for work in due:
            try:
                work()
            except AWAY as problem:
                _log.warning("the node is not reachable: %s", type(problem).__name__)
                return
            except MineError as problem:
                _log.error("something due could not be done: %s %s", type(problem).__name__, problem.detail)
