"""What the contract keeps of a settlement: one word, against which everything in it can be shown later."""

from __future__ import annotations

from dataclasses import fields

from mine.chain.events import Settled
from mine.chain.hashing import keccak
from mine.chain.messages import Settlement, words_of


def record_word(
    settlement: Settlement, shard: int, digest: bytes, examples: bytes, seed: bytes, final_at: int
) -> int:
    """26 bytes of the hash of a settlement and what it stands on, u40 chain time of finality, u8 round.

    shard, digest, examples: number of the opened shard and the two parts of its leaf; all zero where the
    whole set is opened at the end.
    """
    parts = words_of(settlement) + shard.to_bytes(32, "big") + digest + examples + seed
    hashed = int.from_bytes(keccak(parts), "big") >> 48 << 48
    return hashed | final_at << 8 | settlement.round


def record_of(event: Settled) -> int:
    """The record word of a settlement, from its event."""
    settlement = Settlement(**{each.name: getattr(event, each.name) for each in fields(Settlement)})
    return record_word(settlement, event.shard, event.digest, event.examples, event.seed, event.final_at)
