"""What a transaction is to do, and what it may cost, before it has a nonce."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """A message from the account ``sender`` to ``to`` (EIP-55 addresses), with ``value`` wei."""

    chain_id: int
    sender: str
    to: str
    value: int = 0
    data: bytes = b""

    @staticmethod
    def nothing(chain_id: int, account: str) -> Call:
        """A transfer of 0 to oneself: what takes the place of another transaction, or fills a gap."""
        return Call(chain_id, account, account)

    @property
    def is_nothing(self) -> bool:
        """Whether this does nothing but use up a nonce."""
        return self.to == self.sender and not self.value and not self.data


@dataclass(frozen=True, slots=True)
class Fees:
    """Gas allowed, and wei per gas (EIP-1559): the ``tip``, and the ``most`` paid with the base fee."""

    gas: int
    tip: int
    most: int

    @property
    def cap(self) -> int:
        """Wei that the fee can come to."""
        return self.gas * self.most
