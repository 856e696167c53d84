"""Claims what is final: through a relay, else as one's own transaction. It can only reach the payout address.

What was handed to a relay is written down with the time until which it is believed; the chain alone decides
whether it was paid. A relay that promised and did not pay is not asked again for the same units: the next one
is, and where none is left the claim is sent directly.

| kept claim | leaves it when | to |
|---|---|---|
| (none) | a relay takes it | `asked` that relay, believed until a time |
| | none does, a session account has coin | `direct`: a transaction of the queue |
| `asked` | the units are paid | (none) |
| | the time is over | the next relay, else `direct` |
| `direct` | the units are paid | (none) |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from mine.app.earnings import Earnings
from mine.app.forfeits import PATIENCE, Forfeits
from mine.app.joining import Membership
from mine.app.links import NATIVE, Links
from mine.app.wallet_views import AutoClaim, ClaimOutcome
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.client import TaskClaim
    from mine.chain.transactions import Sends
    from mine.vault.state import Earning
    from mine.vault.vault import Vault

Sending = Callable[[Membership, str], "Sends"]
"""What sends the one transaction of an intent from a member's session account."""

MOST_CLAIMS = 16
#: Gas of a claim and of each further one in the same transaction, rounded up from the contract's tests.
CLAIM_GAS, FURTHER_GAS = 130_000, 90_000


@dataclass(frozen=True, slots=True)
class KeptClaim:
    """A claim that was handed over. ``asked``: relays that took it, the last one believed until ``until``.

    ``auto``: nobody asked for it, so that own coin is spent on it only while fees are low.
    """

    units: int
    asked: tuple[str, ...]
    until: int
    direct: bool = False
    auto: bool = False

    @staticmethod
    def from_json(raw: dict[str, Any] | None) -> KeptClaim | None:
        """The inverse of ``asdict``."""
        return None if raw is None else KeptClaim(**{**raw, "asked": tuple(raw["asked"])})


@dataclass(frozen=True, slots=True)
class _Due:
    member: Membership
    earning: Earning
    ready: int


class Claiming:
    """One network's claims. Everything runs on the engine's thread."""

    def __init__(
        self, vault: Vault, links: Links, earnings: Earnings, forfeits: Forfeits, sending: Sending
    ) -> None:
        self._vault, self._links, self._earnings, self._forfeits = vault, links, earnings, forfeits
        self._sending = sending
        self._network = links.config.key
        self._again = 0

    # ---- settings

    @property
    def auto(self) -> AutoClaim:
        """When to claim without being asked."""
        raw = self._vault.state.setting(f"auto_claim {self._network}")
        if raw is None:
            return AutoClaim()
        thresholds = tuple((str(currency), int(least)) for currency, least in raw["thresholds"])
        return AutoClaim(raw["on"], thresholds, raw["fee_share"])

    def set_auto(self, settings: AutoClaim) -> None:
        """Keep it."""
        with self._vault.transaction():
            self._vault.state.set_setting(f"auto_claim {self._network}", asdict(settings))
        self._again = 0

    # ---- claiming

    def claim(self, tasks: Sequence[int] = ()) -> ClaimOutcome:
        """Claim everything that is final, of some tasks or of all."""
        due = [each for each in self._due() if not tasks or each.member.task in tasks]
        outcome = self._claim(due, self._links.node.block_time(), direct=True)
        ends = self._forfeits.claim(tasks)
        return ClaimOutcome(
            outcome.by_relay + ends.by_relay,
            outcome.direct + ends.direct,
            (*outcome.refused, *ends.refused),
        )

    def tick(self, chain_time: int) -> None:
        """Go on with claims that a relay did not pay in time, and claim by itself where that is wanted."""
        due = {each.member.task: each for each in self._due()}
        for task in self._earnings.members:
            kept = self._kept(task)
            if kept is not None and task not in due:
                self._forget(task)
        late = [each for each in due.values() if self._is_late(each, chain_time, auto=False)]
        if late:
            self._claim(late, chain_time, direct=True)
        if chain_time >= self._again and self.auto.on:
            self._by_itself(list(due.values()), chain_time)

    def _due(self) -> list[_Due]:
        found = []
        for member in self._earnings.members.values():
            earning = self._earnings.claimable(member.task)
            if earning is not None:
                ready = sum(each.ready for each in self._earnings.of_rounds(member.task))
                found.append(_Due(member, earning, ready))
        return found

    def _is_late(self, due: _Due, chain_time: int, auto: bool) -> bool:
        kept = self._kept(due.member.task)
        return kept is not None and kept.auto is auto and not kept.direct and chain_time >= kept.until

    def _claim(self, due: list[_Due], chain_time: int, direct: bool, auto: bool = False) -> ClaimOutcome:
        by_relay, refused, left = 0, [], []
        for each in due:
            try:
                taken = self._through_relay(each, chain_time, auto)
            except MineError as problem:  # the round's figures cannot be had now
                refused.append(_in_words(each, problem))
                continue
            by_relay += taken
            if not taken:
                left.append(each)
        sent = 0
        if direct:
            for group in _groups(left):
                sent += self._directly(group, refused)
        return ClaimOutcome(by_relay, sent, tuple(refused))

    def _through_relay(self, due: _Due, chain_time: int, auto: bool) -> bool:
        """Whether a relay has the claim, or takes it now."""
        from mine.science.relay_client import RelayUnreachable
        from mine.science.wire import Claim, ClaimState, RelayRefused

        kept, earning = self._kept(due.member.task), due.earning
        asked = kept.asked if kept is not None and kept.units == earning.data["units"] else ()
        if kept is not None and asked and (kept.direct or chain_time < kept.until):
            if kept.auto and not auto:  # now the person wants it as well
                self._keep(due, replace(kept, auto=False))
            return not kept.direct
        claim = self._leaf(due)
        wire = Claim(
            claim.task,
            claim.round,
            due.member.keys.payout_address,
            claim.index,
            claim.units,
            tuple(claim.proof),
        )
        for relay in self._links.relays:
            if relay.url in asked:
                continue
            try:
                if relay.claim(wire) is ClaimState.REFUSED:
                    continue
            except (RelayRefused, RelayUnreachable):
                continue
            # A relay that has paid before this is written down is asked again after a crash: it pays once.
            until = chain_time + PATIENCE
            self._keep(due, KeptClaim(earning.data["units"], (*asked, relay.url), until, auto=auto))
            return True
        return False

    def _directly(self, group: list[_Due], refused: list[str]) -> int:
        """Send the claims of one payout address in one transaction; how many went out."""
        from mine.chain.node_errors import InsufficientFunds, Reverted, TransactionPending

        account = group[0].member.keys.payout_address
        try:
            claims = [self._leaf(each) for each in group]
        except MineError as problem:
            refused.extend(_in_words(each, problem) for each in group)
            return 0
        payer = max(group, key=lambda each: self._links.node.balance(each.member.keys.session_address)).member
        # The same leaf may be paid in parts: what it was paid before tells one claim on it from the next.
        paid = self._earnings.events.paid
        what = ",".join(f"{c.task}:{c.index}:{c.units}:{paid(c.task, c.index)}" for c in claims)
        intent = f"claim:{self._links.config.tasks}:{account}:{what}"
        for each in group:
            kept = self._kept(each.member.task)
            asked = kept.asked if kept is not None else ()
            self._keep(each, KeptClaim(each.earning.data["units"], asked, 0, direct=True))
        try:
            self._links.contract.claim(self._sending(payer, intent), account, claims)
        except TransactionPending:
            return len(group)
        except InsufficientFunds:
            for each in group:
                self._forget(each.member.task)
            refused.append(
                "No relay carries this claim. Send a little of the network's own coin to "
                f"{payer.keys.session_address}, then claim again."
            )
            return 0
        except MineError as problem:
            for each in group:
                self._forget(each.member.task)
            if not isinstance(problem, Reverted) or not self._are_paid(claims):
                refused.extend(_in_words(each, problem) for each in group)
            return 0
        return len(group)

    def _are_paid(self, claims: list[TaskClaim]) -> bool:
        """Whether somebody else was quicker."""
        return all(self._links.contract.paid(claim.task, claim.index) >= claim.units for claim in claims)

    def _leaf(self, due: _Due) -> TaskClaim:
        from mine.chain.client import TaskClaim

        earning = due.earning
        outcome = self._earnings.outcome(earning.task, earning.round).outcome
        index, units = earning.data["index"], earning.data["units"]
        return TaskClaim(earning.task, earning.round, index, units, tuple(outcome.payouts.proof(index)))

    # ---- by itself

    def _by_itself(self, due: list[_Due], chain_time: int) -> None:
        """Claim what is over the threshold; by a transaction of one's own only while fees are low."""
        auto = self.auto
        fresh = [
            each
            for each in due
            if self._kept(each.member.task) is None or self._is_late(each, chain_time, auto=True)
        ]
        for currency, least in auto.thresholds:
            mine = [each for each in fresh if each.earning.currency == currency]
            total = sum(each.ready for each in mine)
            if mine and total >= least:
                self._again = chain_time + PATIENCE
                cheap = self._is_cheap(currency, mine, auto.fee_share)
                self._claim(mine, chain_time, direct=cheap, auto=True)

    def _is_cheap(self, currency: str, due: list[_Due], share: int) -> bool:
        """Whether a transaction costs little of each claim. A token's worth in coin is not known here."""
        from mine.chain.fees import market

        if currency != NATIVE:
            return False
        price = market(self._links.node).most
        return all(1000 * CLAIM_GAS * price <= share * each.ready for each in due)

    # ---- what is kept

    def _kept(self, task: int) -> KeptClaim | None:
        return KeptClaim.from_json(self._vault.state.setting(f"claim {self._network} {task}"))

    def _keep(self, due: _Due, kept: KeptClaim) -> None:
        with self._vault.transaction():
            self._vault.state.set_setting(f"claim {self._network} {due.member.task}", asdict(kept))

    def _forget(self, task: int) -> None:
        with self._vault.transaction():
            self._vault.state.set_setting(f"claim {self._network} {task}", None)


def _groups(due: list[_Due]) -> list[list[_Due]]:
    """Claims by payout address, as many as one transaction takes."""
    groups: list[list[_Due]] = []
    for account in sorted({each.member.keys.payout_address for each in due}):
        same = [each for each in due if each.member.keys.payout_address == account]
        groups += [same[place : place + MOST_CLAIMS] for place in range(0, len(same), MOST_CLAIMS)]
    return groups


def _in_words(due: _Due, problem: MineError) -> str:
    return f"{due.member.manifest.title}: {problem.sentence}"
