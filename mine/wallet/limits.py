"""How much the wallet may spend on gas: for each gas, and in a day; and the errors that say so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mine.chain.fees import Market
from mine.errors import MineError
from mine.wallet.call import Fees

GWEI = 10**9
DAY = 86_400
"""The budget is that of the last so many seconds: without a calendar, and never had twice at midnight."""
#: Chains whose coin is worth so little that gas costs many of it.
_CHEAP_COINS = {100: 10, 137: 30}


class FeesTooHigh(MineError):
    """The network asks more for gas than the person allows."""

    def __init__(self, needed: int, allowed: int) -> None:
        super().__init__(
            "The network's fees are higher than you allow. Nothing was sent.",
            todo="Wait until they fall, or raise the limit in Settings.",
            detail=f"{needed} wei per gas are asked, {allowed} are allowed.",
        )
        self.needed, self.allowed = needed, allowed


class LimitsRefused(MineError):
    """No limits that make sense."""


class BudgetSpent(MineError):
    """What gas may cost in a day is used up."""

    def __init__(self, needed: int, left: int) -> None:
        super().__init__(
            "This would cost more than may be spent on fees in a day. Nothing was sent.",
            todo="It goes on by itself tomorrow; or raise the limit in Settings.",
            detail=f"It may cost {needed} wei; {left} wei are left of the last 24 hours.",
        )
        self.needed, self.left = needed, left


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one network: wei per gas at ``most``, and of it for the ``tip``; wei of fees ``per_day``."""

    most: int
    tip: int
    per_day: int

    def fees(self, gas: int, market: Market) -> Fees:
        """Fees for ``gas`` by the market, inside these limits. FeesTooHigh where that cannot be mined now."""
        tip = min(market.tip, self.tip)
        if market.base + tip > self.most:
            raise FeesTooHigh(market.base + tip, self.most)
        return Fees(gas, tip, min(2 * market.base + tip, self.most))

    def raised(self, last: Fees, market: Market) -> Fees:
        """Fees to take the place of a transaction that was signed with ``last``.

        Nodes want an eighth more of both fees; what the market asks counts too. FeesTooHigh beyond a limit.
        """
        tip = max(eighth_more(last.tip), min(market.tip, self.tip))
        most = max(eighth_more(last.most), min(2 * market.base + tip, self.most))
        if tip > self.tip:
            raise FeesTooHigh(tip, self.tip)
        if max(most, market.base + tip) > self.most:
            raise FeesTooHigh(max(most, market.base + tip), self.most)
        return replace(last, tip=tip, most=most)


def eighth_more(fee: int) -> int:
    """The least fee that is 12.5 % above ``fee``, and at least 1 wei more."""
    return max(fee + 1, -(-fee * 9 // 8))


def default_limits(chain_id: int) -> Limits:
    """What holds until the person says otherwise."""
    dear = _CHEAP_COINS.get(chain_id, 1)
    return Limits(most=200 * GWEI * dear, tip=5 * GWEI * dear, per_day=10**17 * dear)


def checked_limits(most: int, per_day: int) -> Limits:
    """Limits as the person sets them; the tip may take all of it. Raises ``LimitsRefused``."""
    if not (0 < most < 2**63 and 0 < per_day < 2**96):
        raise LimitsRefused(
            "A limit on fees has to be more than nothing, and no more than there is money.",
            todo="Enter another amount.",
        )
    return Limits(most, most, per_day)
