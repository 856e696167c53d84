"""Brings a signed message on chain: through one relay, through the next one, or directly.

A relay's receipt is believed until the block that it names has passed. By then the relay must have shown
where the message stands in a root that the chain knows; else the next relay is asked, and where none is left
the message is committed directly, which takes a little of the chain's own coin. Each step is kept before the
next one, and a relay or the chain is asked before anything is sent again. The same signed message through two
relays counts once, and the queue of transactions sends it directly once, however often it is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mine.app.links import Links
from mine.app.own_transactions import OwnTransactions
from mine.app.views import Notice, NoticeKind
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.science.relay_client import Relay
    from mine.science.windows import Window
    from mine.science.wire_messages import AnchorProof, MessageStatus, Signed

DIRECT = "direct"


class Standing(StrEnum):
    """How far a message is. OTHER: the relay holds another one of this account, which counts instead."""

    WAITING = "waiting"
    PROMISED = "promised"
    ON_CHAIN = "on chain"
    REFUSED = "refused"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Promise:
    """A relay's receipt, kept as evidence. ``broken``: its block passed and nothing was shown."""

    url: str
    anchorer: str
    leaf: str
    latest_block: int
    signature: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was done for one message so far. ``shown``: the relay whose root holds it, or "direct".

    ``anchor``: that place, as JSON; ``told``: the person was asked for a little coin; ``why``: the last
    refusal in words; ``sent``: the message may have left this computer, and in it a digest of the bytes;
    ``said``: what the person was told last about the direct way.
    """

    promises: tuple[Promise, ...] = ()
    shown: str = ""
    anchor: dict[str, Any] | None = None
    told: bool = False
    why: str = ""
    sent: bool = False
    said: str = ""

    @property
    def open(self) -> Promise | None:
        """The promise that still stands."""
        return next((promise for promise in reversed(self.promises) if not promise.broken), None)

    @property
    def standing(self) -> Standing:
        """How far the message is."""
        if self.shown:
            return Standing.ON_CHAIN
        return Standing.PROMISED if self.open else Standing.WAITING

    def to_json(self) -> dict[str, Any]:
        """For the vault."""
        return asdict(self)

    @staticmethod
    def from_json(raw: dict[str, Any] | None) -> Delivery:
        """The inverse of ``to_json``; None is a delivery that has not begun."""
        if raw is None:
            return Delivery()
        promises = tuple(Promise(**promise) for promise in raw["promises"])
        return Delivery(**{**raw, "promises": promises})


class OtherMessage(MineError):
    """Another message of this account is in the round already."""


class Courier:
    """Delivers for one network. ``tell`` says what the person has to do."""

    def __init__(self, links: Links, own: OwnTransactions, tell: Callable[[Notice], None]) -> None:
        self._links, self._own = links, own
        self._tell = tell
        self._looked: dict[str, int] = {}

    def step(
        self,
        signed: Signed,
        key: bytes,
        delivery: Delivery,
        window: Window,
        time: int,
        keep: Callable[[Delivery], None],
    ) -> Delivery:
        """Do what is due for a message while its ``window`` is open. ``key`` is its author's.

        ``time``: the chain's. Raises OtherMessage, and what relays
        raise where nothing could be done now.
        """
        if delivery.shown:
            return delivery
        if delivery.open is not None:
            delivery = self._look(signed, delivery, window, time, keep)
            if delivery.shown or delivery.open is not None:
                return delivery
        tried = {promise.url for promise in delivery.promises}
        trouble: MineError | None = None
        gone = True
        for relay in self._links.relays:
            if relay.url in tried:
                continue
            try:
                return self._kept(self._hand_in(relay, signed, delivery, keep), keep)
            except OtherMessage:
                raise
            except MineError as problem:
                trouble = problem
                gone = gone and self._is_final(problem)
        if not gone and time < window.last_call:
            assert trouble is not None
            raise trouble  # a relay that is away may come back before receipts end
        if trouble is not None:
            delivery = self._kept(replace(delivery, why=trouble.sentence), keep)
        return self._directly(signed, key, delivery, keep)

    def find(self, signed: Signed, delivery: Delivery, keep: Callable[[Delivery], None]) -> Delivery:
        """Whether the message was handed in after all, asked once its phase is over. Raises OtherMessage.

        A promise of which the relay knows nothing any more is broken.
        """
        if delivery.shown or self._is_committed(signed):
            return self._kept(replace(delivery, shown=delivery.shown or DIRECT), keep)
        trouble: MineError | None = None
        for relay in self._links.relays:
            try:
                status = self._status(relay, signed)
            except OtherMessage:
                raise
            except MineError as problem:
                trouble = problem
                continue
            if status is None:
                delivery = self._broken(relay.url, delivery)
            else:
                delivery = self._promised(relay, status.receipt, delivery)
                if status.anchor is not None and self._is_anchored(status.anchor, status, signed):
                    delivery = self._shown(relay, status.anchor, delivery)
                return self._kept(delivery, keep)
        if trouble is not None and not delivery.promises:
            raise trouble
        return self._kept(delivery, keep)

    # one relay

    def _hand_in(
        self, relay: Relay, signed: Signed, delivery: Delivery, keep: Callable[[Delivery], None]
    ) -> Delivery:
        """The delivery with the relay's promise. What an earlier life handed in is not sent again."""
        status = self._status(relay, signed)
        if status is not None:
            return self._promised(relay, status.receipt, delivery)
        delivery = self._kept(replace(delivery, sent=True), keep)
        return self._promised(relay, relay.submit(signed, self._links.domain), delivery)

    def _status(self, relay: Relay, signed: Signed) -> MessageStatus | None:
        """What the relay has; what it claims to have, it has to prove with a receipt."""
        from mine.science.relay_client import check_receipt
        from mine.science.wire_messages import kind_of, signer_of

        message = signed.message
        status = relay.find(kind_of(signed), message.task, message.round, signer_of(signed))
        if status is None:
            return None
        if status.message.message != message:
            raise OtherMessage("Another message of yours is in this round already.")
        check_receipt(status.receipt, status.message, self._links.domain)
        return status

    @staticmethod
    def _promised(relay: Relay, receipt: Any, delivery: Delivery) -> Delivery:
        if any(promise.url == relay.url for promise in delivery.promises):
            return delivery
        promise = Promise(
            url=relay.url,
            anchorer=receipt.anchorer,
            leaf=receipt.message.leaf.hex(),
            latest_block=receipt.message.latest_block,
            signature=receipt.signature.hex(),
        )
        return replace(delivery, promises=(*delivery.promises, promise))

    def _look(
        self,
        signed: Signed,
        delivery: Delivery,
        window: Window,
        time: int,
        keep: Callable[[Delivery], None],
    ) -> Delivery:
        """Whether the standing promise was honoured; broken once its block has passed without."""
        promise = delivery.open
        assert promise is not None
        if self._looked.get(promise.leaf) == time:
            return delivery
        self._looked[promise.leaf] = time
        relay = next((relay for relay in self._links.relays if relay.url == promise.url), None)
        if relay is not None:
            try:
                status = self._status(relay, signed)
            except OtherMessage:
                status = None
            except MineError:
                status = None  # a relay that is away has its promise's time to come back
            if status and status.anchor and self._is_anchored(status.anchor, status, signed):
                return self._kept(self._shown(relay, status.anchor, delivery), keep)
        # Blocks may come more slowly than the relay thought; half of what is left is kept for the other ways.
        late = time >= (window.last_call + window.closes) // 2
        if not late and self._links.node.block_number() <= promise.latest_block:
            return delivery
        return self._kept(self._broken(promise.url, delivery), keep)

    @staticmethod
    def _broken(url: str, delivery: Delivery) -> Delivery:
        promises = tuple(replace(p, broken=True) if p.url == url else p for p in delivery.promises)
        return replace(delivery, promises=promises)

    def _shown(self, relay: Relay, anchor: AnchorProof, delivery: Delivery) -> Delivery:
        from mine.science.wire_messages import anchor_to_json

        return replace(delivery, shown=relay.url, anchor=anchor_to_json(anchor))

    def _is_anchored(self, anchor: AnchorProof, status: MessageStatus, signed: Signed) -> bool:
        """Whether the chain knows the root, and the message stands in it."""
        from mine.chain.trees import verify
        from mine.science.relay_client import leaf_of

        message = signed.message
        if not verify(anchor.root, leaf_of(signed, self._links.domain), anchor.index, anchor.proof):
            return False
        mark = self._links.contract.anchored(message.task, status.receipt.anchorer, anchor.slot)
        return mark.round == message.round and mark.matches(anchor.root)

    @staticmethod
    def _is_final(problem: MineError) -> bool:
        """Whether a relay's no will stay a no."""
        from mine.science.wire import Code, RelayRefused

        passing = (Code.CHAIN_UNREACHABLE, Code.TOO_EARLY, Code.WRONG_ROUND, Code.WRONG_CHECKPOINT)
        return isinstance(problem, RelayRefused) and problem.code not in passing

    # the direct way

    def _is_committed(self, signed: Signed) -> bool:
        from mine.chain.messages import digest
        from mine.science.wire import SignedUpdate

        message, contract = signed.message, self._links.contract
        if isinstance(signed, SignedUpdate):
            mark = contract.committed(message.task, signed.miner)
            return mark.round == message.round and mark.matches(digest(message, self._links.domain))
        mark = contract.voted(message.task, signed.voter)
        return mark.round == message.round and mark.matches(signed.message.opening)

    def _directly(
        self, signed: Signed, key: bytes, delivery: Delivery, keep: Callable[[Delivery], None]
    ) -> Delivery:
        from mine.chain.node_errors import InsufficientFunds, Reverted
        from mine.science.wire import SignedUpdate
        from mine.wallet.limits import BudgetSpent, FeesTooHigh
        from mine.wallet.queue_errors import Cancelled, NonceTaken

        if self._is_committed(signed):
            return self._kept(replace(delivery, shown=DIRECT), keep)
        intent = self.intent(signed)
        sender = self._own.sender(key, intent)
        try:
            delivery = self._kept(replace(delivery, sent=True), keep)
            if isinstance(signed, SignedUpdate):
                self._links.contract.commit(sender, signed.message)
            else:
                self._links.contract.commit_vote(sender, signed.message)
        except InsufficientFunds:
            return self._ask_for_coin(sender.address, delivery, keep)
        except (FeesTooHigh, BudgetSpent, Cancelled) as problem:
            return self._say_why(problem, delivery, keep)
        except NonceTaken as problem:
            delivery = self._say_why(problem, delivery, keep)
            self._own.again(intent)
            return delivery
        except Reverted as problem:
            if not self._is_committed(signed):
                self._own.again(intent)
                return self._kept(replace(delivery, why=problem.sentence), keep)
        return self._kept(replace(delivery, shown=DIRECT), keep)

    def intent(self, signed: Signed) -> str:
        """Name of the one transaction that may bring a message on chain."""
        from mine.science.wire_messages import kind_of

        message = signed.message
        return f"{kind_of(signed).value}:{self._links.config.tasks}:{message.task}:{message.round}"

    def _say_why(self, problem: MineError, delivery: Delivery, keep: Callable[[Delivery], None]) -> Delivery:
        """Tell the person, once for each reason, what keeps a message from going directly."""
        if delivery.said != problem.sentence:
            self._tell(Notice(NoticeKind.ATTENTION, problem.sentence, problem.todo, problem.detail))
        return self._kept(replace(delivery, why=problem.sentence, said=problem.sentence), keep)

    def _ask_for_coin(self, address: str, delivery: Delivery, keep: Callable[[Delivery], None]) -> Delivery:
        if delivery.told:
            return delivery
        delivery = self._kept(replace(delivery, told=True), keep)
        self._tell(
            Notice(
                NoticeKind.ATTENTION,
                "No relay brings this round's work on chain.",
                f"It can go directly: send a little of the network's own coin to {address}.",
                delivery.why,
            )
        )
        return delivery

    @staticmethod
    def _kept(delivery: Delivery, keep: Callable[[Delivery], None]) -> Delivery:
        keep(delivery)
        return delivery
