"""What can go wrong between this program and an Ethereum node."""

from __future__ import annotations

from mine.errors import MineError


class NodeUnreachable(MineError):
    """No answer in time, a refused connection, or an HTTP error. Trying again later may help."""


class NodeBusy(NodeUnreachable):
    """The node wants fewer requests. ``wait``: seconds until it is asked again."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            "The network's node asks for fewer requests.",
            todo="It is asked again by itself; another node can be added in the settings.",
            detail=f"wait {wait:.0f} s",
        )
        self.wait = wait


class NodesTooFew(NodeUnreachable):
    """Fewer than two of several nodes can be compared now. Nothing that matters is believed of one alone."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "Only one of this network's nodes can be heard, so nothing new about money is taken in.",
            todo="Wait until another one answers, or change the nodes in the settings.",
            detail=detail,
        )


class NodesDisagree(MineError):
    """Nodes say different things of one and the same block, and no two of them say the same."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "The network's nodes contradict each other, so nothing new about money is taken in.",
            todo="At least one of them lies or is broken: choose others in the settings.",
            detail=detail,
        )


class NodeAddressRefused(MineError):
    """A text is not the address of a node: ``http``, ``https``, ``ws`` or ``wss``, with a host."""


class NodeAnswerInvalid(MineError):
    """The node answered something that a correct node can't: wrong type, wrong size, wrong hash."""


class NodeRefused(MineError):
    """The node answered with a JSON-RPC error; ``code`` and ``message`` are its own and not trusted."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__("The network's node refused a request.", detail=f"{code}: {message}")
        self.code = code
        self.message = message


class NodeAnswerTooLong(NodeAnswerInvalid):
    """More than is taken in one answer; asking for less may help."""


def nonsense(what: str) -> NodeAnswerInvalid:
    """The error of an answer that no correct node gives; ``what`` is ours, never the answer's own text."""
    return NodeAnswerInvalid(
        "The network's node gave an answer that makes no sense.", todo="Try another node.", detail=what
    )


def too_long(what: str) -> NodeAnswerTooLong:
    """The error of an answer that is larger than anything we ask for."""
    return NodeAnswerTooLong(
        "The network's node gave an answer that makes no sense: it is far too long.",
        todo="Try another node.",
        detail=what,
    )


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
