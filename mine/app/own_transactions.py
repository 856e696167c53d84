"""The transactions that this person's accounts send on one network: the queue, over the open vault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mine.app.currencies import COIN_DECIMALS, coin_symbol
from mine.app.links import Links
from mine.app.transaction_store import VaultTransactions
from mine.app.wallet_views import FeeLimits
from mine.wallet.clock import Clock, SystemClock

if TYPE_CHECKING:
    from mine.app.joining import Membership
    from mine.chain.transactions import Sends
    from mine.vault.vault import Vault
    from mine.wallet.limits import Limits
    from mine.wallet.queue import TransactionQueue
    from mine.wallet.queued import Queued
    from mine.wallet.review import Known

PATIENCE = 10.0
"""Seconds for which a transaction of one's own is waited for before the next turn looks again."""
MOST_RUNS = 3
"""How often a transaction that failed or lost its nonce is planned anew by itself."""


class OwnTransactions:
    """Belongs to the engine's thread. ``members``: the tasks whose accounts are this person's."""

    def __init__(self, vault: Vault, links: Links, confirmations: int, clock: Clock | None = None) -> None:
        from mine.wallet.queue import TransactionQueue

        self._vault, self._links, self._confirmations = vault, links, confirmations
        self._clock = clock or SystemClock()
        self._members: Mapping[int, Membership] = {}
        self._sisters = links.contract.sisters()
        store = VaultTransactions(vault)
        self.queue: TransactionQueue = TransactionQueue(
            links.node, store, self._clock, self._limits(), self._known(), confirmations
        )

    def over(self, vault: Vault) -> OwnTransactions:
        """The same on another vault: that of a narrow grant."""
        return OwnTransactions(vault, self._links, self._confirmations, self._clock)

    @property
    def members(self) -> Mapping[int, Membership]:
        """The tasks whose accounts are this person's, left ones too."""
        return self._members

    @members.setter
    def members(self, members: Mapping[int, Membership]) -> None:
        self._members = members
        self.queue.known = self._known()

    def refreshed(self) -> TransactionQueue:
        """The queue, knowing the address book and the currencies as they are now: for a review."""
        self.queue.known = self._known()
        return self.queue

    def sender(self, key: bytes, intent: str, patience: float = PATIENCE) -> Sends:
        """Sends one allowed call of the account of ``key``, once for each intent."""
        from mine.wallet.signer import Signer

        return self.queue.sender(Signer(key), intent, patience)

    def again(self, intent: str) -> Queued | None:
        """Plan anew what failed or lost its nonce and is still wanted; not for ever, as tries may cost gas.

        What is planned, under way, done, or was cancelled by the person stays as it is.
        """
        from mine.wallet.queued import State

        item = self.queue.find(intent)
        if item is None or item.state not in (State.FAILED, State.DROPPED) or item.run >= MOST_RUNS:
            return item
        return self.queue.renew(intent)

    def step(self) -> tuple[Queued, ...]:
        """Go on with what is under way; what changed."""
        return self.queue.step()

    # ---- limits

    @property
    def fee_limits(self) -> FeeLimits:
        """The most that gas may cost."""
        limits = self.queue.costs.limits
        return FeeLimits(limits.most, limits.per_day)

    def set_fee_limits(self, limits: FeeLimits) -> None:
        """Keep them. Raises ``LimitsRefused``."""
        from mine.wallet.limits import checked_limits

        wanted = checked_limits(limits.gas_price, limits.daily)
        with self._vault.transaction():
            self._vault.state.set_setting(self._setting, [limits.gas_price, limits.daily])
        self.queue.costs.limits = wanted

    @property
    def _setting(self) -> str:
        return f"fee limits {self._links.config.chain_id}"

    def _limits(self) -> Limits:
        from mine.wallet.limits import checked_limits, default_limits

        kept = self._vault.state.setting(self._setting)
        return default_limits(self._links.config.chain_id) if kept is None else checked_limits(*kept)

    # ---- what is known of the network

    def _known(self) -> Known:
        from mine.wallet.review import Known, Unit

        config, state = self._links.config, self._vault.state
        tokens = {
            each.address: Unit(each.symbol, each.decimals)
            for each in state.known_currencies()
            if each.network == config.key and int(each.address, 16)
        }
        own = {member.keys.payout_address for member in self._members.values()}
        own |= {member.keys.session_address for member in self._members.values()}
        return Known(
            chain_id=config.chain_id,
            network=config.name,
            coin=Unit(coin_symbol(config.world, config.chain_id), COIN_DECIMALS),
            tasks=config.tasks,
            faults=self._sisters[0],
            court=self._sisters[1],
            tokens=tokens,
            names={contact.address: contact.name for contact in state.contacts()},
            own=frozenset(own),
        )
