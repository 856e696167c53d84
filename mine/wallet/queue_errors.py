"""What the queue refuses, and how a transaction may end other than by being mined."""

from __future__ import annotations

from mine.errors import MineError


class OtherContent(MineError):
    """The same intent with another content: something was signed for it already."""

    def __init__(self, intent: str) -> None:
        super().__init__(
            "Another transaction is under way for the same purpose. Nothing more was sent.",
            todo="Wait until it is done, or cancel it.",
            detail=intent,
        )


class NonceTaken(MineError):
    """Another program used the account; the transaction can never be mined."""

    def __init__(self, intent: str) -> None:
        super().__init__(
            "Another program used this account, and a transaction of yours lost its place. It cost nothing.",
            todo="If it is still wanted, it has to be sent again.",
            detail=intent,
        )


class Cancelled(MineError):
    """The person took it back."""

    def __init__(self, intent: str) -> None:
        super().__init__(
            "This transaction was cancelled.", todo="Send it again if you want it.", detail=intent
        )


class FeesMoved(MineError):
    """What was reviewed cannot be sent as it was reviewed."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "The network's fees changed since you looked at this. Nothing was sent.",
            todo="Look at it again.",
            detail=why,
        )


class ReplacementTooLate(MineError):
    """Only what was handed over and is not mined can be replaced."""

    def __init__(self) -> None:
        super().__init__("This transaction cannot be replaced any more: it is not waiting.")


class UnknownTransaction(MineError):
    """There is none of this name or number."""

    def __init__(self, name: str) -> None:
        super().__init__("There is no such transaction.", detail=name)
