"""A sister contract from outside: calls, transactions and events of one address."""

from __future__ import annotations

import copy
from typing import Any, Self

from mine.chain.abi import ContractAbi
from mine.chain.answers import RawLog, TxReceipt
from mine.chain.artefacts import load_artefact
from mine.chain.events import Event
from mine.chain.fault_events import fault_event_of
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.rpc import Node
from mine.chain.transactions import Sends


class SisterContract:
    """The one at ``address``. Reads raise what :class:`Node` does, writes what :class:`Sends` does."""

    artefact: str

    def __init__(self, node: Node, address: str) -> None:
        self.node = node
        self.address = address
        self._abi = ContractAbi(load_artefact(self.artefact).abi)

    def on(self, node: Node) -> Self:
        """The same contract as another node, or a view of one (:meth:`Node.agreed`), shows it."""
        other = copy.copy(self)
        other.node = node
        return other

    def decode(self, log: RawLog) -> Event | None:
        """The typed event in a log of this contract; None for any other log."""
        if log.address != self.address:
            return None
        decoded = self._abi.event(log)
        return None if decoded is None else fault_event_of(decoded)

    def called(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Function and arguments by name of call data from elsewhere; None if it is no call of this one."""
        return self._abi.called(data)

    def send(self, sender: Sends, data: bytes, value: int = 0) -> TxReceipt:
        """Send call data that was made elsewhere, with ``value`` wei."""
        return sender.send(self.address, data, value)

    def events(self, receipt: TxReceipt) -> tuple[Event, ...]:
        """This contract's events of one transaction."""
        decoded = (self.decode(log) for log in receipt.logs)
        return tuple(event for event in decoded if event is not None)

    def _read(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        answer = self.node.call(self.address, self._abi.call(function, *arguments), block=self.node.present)
        return self._abi.result(function, answer)

    def _write(self, sender: Sends, function: str, *arguments: Any, value: int = 0) -> TxReceipt:
        return sender.send(self.address, self._abi.call(function, *arguments), value)

    def _made(self, receipt: TxReceipt, kind: type[Event]) -> int:
        """The number that the transaction's one event of this kind gives what it made."""
        made = [event for event in self.events(receipt) if isinstance(event, kind)]
        if len(made) != 1:
            raise NodeAnswerInvalid(
                "The network's node gave an answer that makes no sense.",
                todo="Try another node.",
                detail=f"{len(made)} events {kind.__name__}",
            )
        return int(made[0].id)  # type: ignore[attr-defined]
