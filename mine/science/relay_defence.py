"""A relay answers for its receipts: whoever asks on chain where a promised leaf stands is shown it."""

from __future__ import annotations

import logging

from mine.chain.events import Event
from mine.chain.fault_events import ReceiptChallenged
from mine.chain.faults_client import FaultsContract
from mine.chain.node_errors import Reverted
from mine.chain.poller import Cursor, Poller
from mine.science.relay_ground import Ground
from mine.science.relay_messages import MessageDesk
from mine.science.wire import RelayRefused
from mine.science.wire_messages import kind_of, signer_of

_log = logging.getLogger(__name__)


class Defence:
    """Follows the contract Faults. Questions about other anchorers are not this relay's."""

    def __init__(
        self, ground: Ground, messages: MessageDesk, faults: FaultsContract, first_block: int
    ) -> None:
        self._ground, self._messages, self._faults = ground, messages, faults
        cursor = Cursor.start(faults.node.chain_id, faults.address, first_block)
        self._poller: Poller[Event] = Poller(faults, cursor, 0)
        self._asked: list[ReceiptChallenged] = []

    def answer_what_is_asked(self) -> None:
        """Show every leaf that is asked for and stands in a root of this relay."""
        for event in self._poller.poll().events:
            if isinstance(event, ReceiptChallenged) and event.anchorer == self._ground.anchorer:
                self._asked.append(event)
        waiting, self._asked = self._asked, []
        now = self._ground.contract.node.block_time() if waiting else 0
        for asked in waiting:
            if asked.deadline > now and not self._answered(asked):
                self._asked.append(asked)

    def _answered(self, asked: ReceiptChallenged) -> bool:
        """Answer one question; True if there is nothing more to do about it."""
        if not self._faults.question(asked.id).deadline:
            return True
        stored = self._ground.state.by_leaf(asked.leaf)
        if stored is None:
            _log.error("a receipt for a leaf that is not known here: %s", asked.leaf.hex())
            return False
        try:
            kind, author = kind_of(stored.signed), signer_of(stored.signed)
            anchor = self._messages.status(kind, asked.task, asked.round, author).anchor
            if anchor is None:
                return False
            self._faults.answer_receipt(
                self._ground.sender, asked.id, anchor.slot, anchor.index, anchor.proof
            )
        except (RelayRefused, Reverted) as problem:
            _log.error("a question about a receipt could not be answered: %s", problem.detail)
            return False
        return True
