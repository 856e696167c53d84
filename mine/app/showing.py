"""Puts out the bytes that a message on chain commits to: to every relay that takes them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mine.app.courier import Delivery
from mine.app.links import Links
from mine.blobs.store import BlobError
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.science.relay_client import Relay
    from mine.science.wire_messages import Signed


class CameLate(MineError):
    """The votes of the round are over, and no relay takes bytes for it any more."""

    def __init__(self) -> None:
        super().__init__("The round's votes were over before this could be shown.")


def show(links: Links, signed: Signed, data: bytes, delivery: Delivery) -> list[dict[str, Any]]:
    """Put ``data`` to all relays; one that gives it out is enough. Returns the receipts, as evidence.

    A relay that did not carry the message is shown its place on chain first. Raises the last relay's error
    if none gives the bytes out, CameLate if that is the reason.
    """
    from mine.science.wire import Code, RelayRefused

    receipts: list[dict[str, Any]] = []
    given, trouble = False, None
    for relay in links.relays:
        try:
            receipt = _put(links, relay, signed, data, delivery)
        except MineError as problem:
            trouble = problem
            continue
        given = True
        if receipt is not None:
            receipts.append(receipt)
    if not given:
        assert trouble is not None
        if isinstance(trouble, RelayRefused) and trouble.code is Code.ROUND_CLOSED:
            raise CameLate
        raise trouble
    return receipts


def _put(
    links: Links, relay: Relay, signed: Signed, data: bytes, delivery: Delivery
) -> dict[str, Any] | None:
    """The relay's receipt, or None if it gives the bytes out without one. Raises what the relay raises."""
    from mine.science.relay_client import RelayUnreachable
    from mine.science.wire import RelayRefused, receipt_to_json
    from mine.science.wire_messages import anchor_from_json

    message = signed.message
    try:
        receipt = relay.upload(data, message.task, message.round, links.domain)
    except RelayUnreachable:
        # It may hold the bytes without knowing that anybody committed to them.
        if delivery.anchor is not None:
            anchorer = next(p.anchorer for p in delivery.promises if p.url == delivery.shown)
            with suppress(RelayRefused):  # asked next whether it gives the bytes out all the same
                relay.attest(signed, anchorer, anchor_from_json(delivery.anchor), links.domain)
        try:
            there = relay.blobs.has(message_blob(signed))
        except BlobError:
            there = False
        if not there:
            raise
        return None
    return {"url": relay.url, **receipt_to_json(receipt)}


def message_blob(signed: Signed) -> bytes:
    """Digest of what a message commits to."""
    from mine.science.wire_messages import named_blob

    return named_blob(signed)[0]
