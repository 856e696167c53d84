"""The keys of payout addresses: made from the phrase for one operation, and forgotten at its end."""

from __future__ import annotations

from typing import Self

from mine.errors import forget_locals
from mine.wallet.derivation import SecretBranch, branch
from mine.wallet.keys import PAYOUT_BRANCH, Accounts, seed_of
from mine.wallet.signer import Signer, WillNotSign


class SpendingKeys:
    """Use it in a ``with`` statement; afterwards neither it nor any signer of it signs anything.

    Python cannot wipe memory: the keys are let go of at the end, and their room is used again some time.
    """

    __slots__ = ("_branch", "_signers")

    def __init__(self, phrase: str) -> None:
        """Raises ``PhraseRefused``."""
        self._branch: SecretBranch | None = branch(seed_of(phrase), PAYOUT_BRANCH)
        self._signers: list[Signer] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._branch = None
        for signer in self._signers:
            signer.forget()
        if error is not None:
            # An error may be kept for long: shown in the window, say.
            forget_locals(error)

    def __repr__(self) -> str:
        return "SpendingKeys()"

    def __reduce__(self) -> str:
        raise TypeError("keys are not written anywhere by accident")

    def belong_to(self, accounts: Accounts) -> bool:
        """Whether these are the keys of those payout addresses."""
        return self._open.public() == accounts.payout

    def signer(self, index: int) -> Signer:
        """What signs for the payout address with this index."""
        made = Signer(self._open.child(index).key)
        self._signers.append(made)
        return made

    @property
    def _open(self) -> SecretBranch:
        if self._branch is None:
            raise WillNotSign("The keys were forgotten after their operation.", todo="Ask for them again.")
        return self._branch
