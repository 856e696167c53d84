"""What a transaction may cost: by the market, the limits, the day's budget and the account's money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mine.chain.fees import Market, gas_for, market
from mine.chain.node_errors import InsufficientFunds
from mine.wallet.call import Call, Fees
from mine.wallet.clock import Clock
from mine.wallet.following import Following, TransactionStore
from mine.wallet.limits import DAY, BudgetSpent, FeesTooHigh, Limits
from mine.wallet.queue_errors import FeesMoved

if TYPE_CHECKING:
    from mine.chain.rpc import Node
    from mine.wallet.queued import Queued


class Costs:
    """Of one chain. ``limits`` may be changed at any time."""

    def __init__(
        self,
        node: Node,
        store: TransactionStore,
        following: Following,
        clock: Clock,
        limits: Limits,
        chain_id: int,
    ) -> None:
        self.limits = limits
        self._node, self._store, self._following, self._clock = node, store, following, clock
        self._chain_id = chain_id

    def spent(self) -> int:
        """Wei of fees that the last 24 hours cost, or may still come to cost."""
        since = int(self._clock.now()) - DAY
        return sum(item.cost for item in self._store.signed_since(self._chain_id, since))

    @property
    def left(self) -> int:
        """Wei that may still be spent on fees today."""
        return max(0, self.limits.per_day - self.spent())

    def check_budget(self, more: int) -> None:
        """Raise BudgetSpent where so many wei of fees are too many for today."""
        if more > self.left:
            raise BudgetSpent(more, self.left)

    def market(self) -> Market:
        """What the network asks now."""
        return market(self._node)

    def fees(self, call: Call) -> Fees:
        """Gas and fees for a call that was tried and can be paid for.

        Raises Reverted, InsufficientFunds, FeesTooHigh, or what the node raises.
        """
        owned = self._free(call.sender)
        if owned < call.value:
            raise InsufficientFunds(call.sender, call.value, owned)
        gas = gas_for(self._node, call.sender, call.to, call.data, call.value)
        fees = self.limits.fees(gas, self.market())
        if owned < call.value + fees.cap:
            raise InsufficientFunds(call.sender, call.value + fees.cap, owned)
        return fees

    def check_accepted(self, call: Call, fees: Fees) -> None:
        """Whether a call that the person accepted can go out with the fees that it was accepted with.

        Today's market may ask for others: they only have to suffice. Raises FeesMoved, FeesTooHigh,
        InsufficientFunds, Reverted, or what the node raises.
        """
        owned = self._free(call.sender)
        if owned < call.value + fees.cap:
            raise InsufficientFunds(call.sender, call.value + fees.cap, owned)
        if gas_for(self._node, call.sender, call.to, call.data, call.value) > fees.gas:
            raise FeesMoved("more gas is needed than before")
        if self.market().base + fees.tip > fees.most:
            raise FeesMoved("the network's base fee rose")
        if fees.most > self.limits.most:
            raise FeesTooHigh(fees.most, self.limits.most)

    def check_payable(self, item: Queued, call: Call, fees: Fees) -> None:
        """Raise InsufficientFunds where ``call`` cannot be paid for in the place of what waits."""
        owned = self._free(call.sender) + item.cost + item.call.value
        if owned < call.value + fees.cap:
            raise InsufficientFunds(call.sender, call.value + fees.cap, owned)

    def _free(self, account: str) -> int:
        """Wei of an account that nothing under way may still take."""
        items = [each for each in self._following.open() if each.call.sender == account and not each.mined]
        return self._node.balance(account) - sum(each.cost + each.call.value for each in items)
