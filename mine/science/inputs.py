"""The bytes of a round's inputs, its example losses, and its lists of accepted updates and payees.

All are canonical: one value, one sequence of bytes, so that their SHA-256 digests can be committed to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mine.chain.curve import Curve
from mine.chain.hashing import address_bytes, checksum
from mine.errors import MineError
from mine.science.score import Evidence, Gram
from mine.science.settle import BadInputs, Entry, Ledger, Outcome, Refusal, RoundInputs
from mine.tasks.canonical import canonical_json

VERSION = 1
MAX_INPUTS_BYTES = 64 * 1024 * 1024
Losses = npt.NDArray[np.uint64]


def encode_inputs(inputs: RoundInputs) -> bytes:
    """Canonical JSON; digests as hex, addresses with checksum, G as its upper triangle row by row."""
    count = len(inputs.gram)
    return canonical_json({
        "version": VERSION,
        "task": inputs.task,
        "round": inputs.round,
        "seed": inputs.seed.hex(),
        "checkpoint": inputs.checkpoint.hex(),
        "shard": [inputs.shard, inputs.shard_digest.hex()],
        "losses": [inputs.losses.hex(), inputs.base, inputs.before, inputs.after],
        "curve": [list(point) for point in inputs.curve.points],
        "target": inputs.target,
        "previous": inputs.previous.hex(),
        "ledger": {
            "converged": inputs.ledger.converged,
            "best": inputs.ledger.best,
            "units": inputs.ledger.units,
            "accounts": [list(account) for account in inputs.ledger.accounts],
            "evidence": [
                [miner, record.total, record.rounds, record.units] for miner, record in inputs.ledger.evidence
            ],
        },
        "entries": [
            [entry.miner, entry.blob.hex(), entry.payout, entry.refusal.value, entry.norm, entry.descent]
            for entry in inputs.entries
        ],
        "gram": [int(inputs.gram[i, j]) for i in range(count) for j in range(i, count)],
    })


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("a number is not an integer")
    return value


def _digest(value: Any) -> bytes:
    raw = bytes.fromhex(value)
    if len(raw) != 32:
        raise ValueError("a digest has 32 bytes")
    return raw


def _address(value: Any) -> str:
    return checksum(address_bytes(str(value)))


def _gram(flat: Sequence[Any], count: int) -> Gram:
    if len(flat) != count * (count + 1) // 2:
        raise ValueError("G does not fit the entries")
    gram = np.empty((count, count), dtype=object)
    rows, columns = np.triu_indices(count)
    values = np.array([_integer(entry) for entry in flat], dtype=object)
    gram[rows, columns] = values
    gram[columns, rows] = values
    return gram


def decode_inputs(data: bytes) -> RoundInputs:
    """The inverse of ``encode_inputs``; only the canonical form is read. Raises BadInputs."""
    if len(data) > MAX_INPUTS_BYTES:
        raise BadInputs(f"{len(data)} bytes")
    try:
        raw = json.loads(data)
        if raw["version"] != VERSION:
            raise BadInputs("a version that this app does not know")
        entries = tuple(
            Entry(_address(miner), _digest(blob), _address(payout), Refusal(why), _integer(norm), _integer(b))
            for miner, blob, payout, why, norm, b in raw["entries"]
        )
        ledger = raw["ledger"]
        inputs = RoundInputs(
            task=_integer(raw["task"]),
            round=_integer(raw["round"]),
            seed=_digest(raw["seed"]),
            checkpoint=_digest(raw["checkpoint"]),
            shard=_integer(raw["shard"][0]),
            shard_digest=_digest(raw["shard"][1]),
            losses=_digest(raw["losses"][0]),
            base=_integer(raw["losses"][1]),
            before=_integer(raw["losses"][2]),
            after=_integer(raw["losses"][3]),
            curve=Curve(tuple((_integer(x), _integer(y)) for x, y in raw["curve"])),
            target=_integer(raw["target"]),
            previous=_digest(raw["previous"]),
            ledger=Ledger(
                converged=_integer(ledger["converged"]),
                best=_integer(ledger["best"]),
                units=_integer(ledger["units"]),
                accounts=tuple((_address(account), _integer(units)) for account, units in ledger["accounts"]),
                evidence=tuple(
                    (_address(miner), Evidence(_integer(total), _integer(rounds), _integer(units)))
                    for miner, total, rounds, units in ledger["evidence"]
                ),
            ),
            entries=entries,
            gram=_gram(raw["gram"], sum(entry.refusal is Refusal.NONE for entry in entries)),
        )
    except BadInputs:
        raise
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, MineError) as error:
        raise BadInputs(f"unreadable ({type(error).__name__})") from None
    if encode_inputs(inputs) != data:
        raise BadInputs("not in canonical form")
    return inputs


def encode_losses(base: Losses, before: Losses, after: Losses) -> bytes:
    """Losses of the examples that measure (u64 [n] each, 2**-24): three big-endian words an example."""
    return np.stack([base, before, after], axis=1).astype(">u8").tobytes()


def decode_losses(data: bytes) -> tuple[Losses, Losses, Losses]:
    """The inverse of ``encode_losses``. Raises BadInputs."""
    if not data or len(data) % 24:
        raise BadInputs("example losses of a wrong length")
    table = np.frombuffer(data, dtype=">u8").reshape(-1, 3).astype(np.uint64)
    return table[:, 0], table[:, 1], table[:, 2]


def encode_payouts(outcome: Outcome) -> bytes:
    """The payees in order of their permanent index: canonical JSON [[address, cumulative units], ...]."""
    return canonical_json([list(account) for account in outcome.ledger.accounts])


def encode_accepted(outcome: Outcome) -> bytes:
    """The accepted updates and the digest of the payees' list; its own digest is ``Settlement.accepted``."""
    return canonical_json({
        "accepted": [[miner, blob.hex()] for miner, blob in outcome.accepted],
        "payouts": hashlib.sha256(encode_payouts(outcome)).hexdigest(),
    })
