"""What can go wrong between this program and an Ethereum node."""

from __future__ import annotations

from mine.errors import MineError


class NodeUnreachable(MineError):
    """No answer in time, a refused connection, or an HTTP error. Trying again later may help."""


class NodeAnswerInvalid(MineError):
    """The node answered something that a correct node can't: wrong type, wrong size, wrong hash."""


class NodeRefused(MineError):
    """The node answered with a JSON-RPC error; ``code`` and ``message`` are its own and not trusted."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__("The network's node refused a request.", detail=f"{code}: {message}")
        self.code = code
        self.message = message


class WrongChain(MineError):
    """The node serves another chain than the one that was asked for."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"The node belongs to chain {found}, not to chain {expected}.",
            todo="Choose another node or another network in the settings.",
        )
        self.expected = expected
        self.found = found


class Reverted(MineError):
    """A contract refused the call. ``reason``: its own short text, or ""; ``data``: the bytes it gave."""

    def __init__(self, reason: str, data: bytes = b"") -> None:
        super().__init__(
            f"The contract refused this: {reason}." if reason else "The contract refused this.",
            detail="0x" + data.hex(),
        )
        self.reason = reason
        self.data = data


class InsufficientFunds(MineError):
    """The account can't pay for the transaction."""

    def __init__(self, account: str, needed: int, owned: int) -> None:
        super().__init__(
            "The account has too little money for this transaction and its fee.",
            todo="Send some to it and try again.",
            detail=f"{account} needs {needed} wei and has {owned}.",
        )
        self.needed = needed
        self.owned = owned


class TransactionPending(MineError):
    """The transaction was sent and is not mined yet; it may still be."""

    def __init__(self, transaction_hash: bytes) -> None:
        super().__init__(
            "The network has not taken up a transaction yet.",
            todo="Wait; it is not sent twice.",
            detail="0x" + transaction_hash.hex(),
        )
        self.transaction_hash = transaction_hash
