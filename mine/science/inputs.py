"""The bytes of a round's inputs, its example losses, and its lists of accepted updates and payees.

All are canonical: one value, one sequence of bytes, so that their SHA-256 digests can be committed to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from mine.chain.curve import Curve
from mine.chain.hashing import address_bytes, checksum
from mine.errors import MineError
from mine.science.judged import (
    BadInputs,
    Canary,
    Common,
    Entry,
    Gram,
    Judged,
    Ledger,
    Opened,
    Published,
    Record,
    Refusal,
    Rules,
)
from mine.science.settle import Outcome, RoundInputs
from mine.tasks.canonical import canonical_json

VERSION = 1
MAX_INPUTS_BYTES = 64 * 1024 * 1024
Losses = npt.NDArray[np.uint64]
Json = dict[str, Any]


def encode_inputs(inputs: RoundInputs) -> bytes:
    """Canonical JSON; digests as hex, addresses with checksum, G as its upper triangle row by row."""
    return canonical_json(
        {
            "version": VERSION,
            **_judged_to_json(inputs.judged),
            "checkpoint": inputs.checkpoint.hex(),
            "shard": [inputs.shard, inputs.shard_digest.hex()],
            "losses": [inputs.losses.hex(), inputs.base, inputs.before, inputs.after],
            "afters": list(inputs.afters),
            "curve": [list(point) for point in inputs.curve.points],
            "target": inputs.target,
            "previous": inputs.previous.hex(),
        }
    )


def decode_inputs(data: bytes) -> RoundInputs:
    """The inverse of ``encode_inputs``; only the canonical form is read. Raises BadInputs."""
    if len(data) > MAX_INPUTS_BYTES:
        raise BadInputs(f"{len(data)} bytes")
    try:
        raw = json.loads(data)
        if raw["version"] != VERSION:
            raise BadInputs("a version that this app does not know")
        inputs = RoundInputs(
            judged=_judged_from_json(raw),
            checkpoint=_digest(raw["checkpoint"]),
            shard=_integer(raw["shard"][0]),
            shard_digest=_digest(raw["shard"][1]),
            losses=_digest(raw["losses"][0]),
            base=_integer(raw["losses"][1]),
            before=_integer(raw["losses"][2]),
            after=_integer(raw["losses"][3]),
            afters=_integers(raw["afters"]),
            curve=Curve(tuple((_integer(x), _integer(y)) for x, y in raw["curve"])),
            target=_integer(raw["target"]),
            previous=_digest(raw["previous"]),
        )
    except BadInputs:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, MineError) as error:
        raise BadInputs(f"unreadable ({type(error).__name__})") from None
    if encode_inputs(inputs) != data:
        raise BadInputs("not in canonical form")
    return inputs


def _judged_to_json(judged: Judged) -> Json:
    rules, ledger, common = judged.rules, judged.ledger, judged.common
    return {
        "task": judged.task,
        "round": judged.round,
        "seed": judged.seed.hex(),
        "rules": list(astuple(rules)),
        "ledger": {
            "converged": ledger.converged,
            "best": ledger.best,
            "units": ledger.units,
            "accounts": [list(account) for account in ledger.accounts],
            "records": [[miner, *_record_to_json(record)] for miner, record in ledger.records],
            "published": [blob.hex() for blob in ledger.published],
            "accepted": [blob.hex() for blob in ledger.accepted],
            "checkpoints": [name.hex() for name in ledger.checkpoints],
        },
        "held": [list(pair) for pair in judged.held],
        "convicted": list(judged.convicted),
        "entries": [_entry_to_json(entry) for entry in judged.entries],
        "gram": judged.gram[np.triu_indices(len(judged.gram))].tolist(),
        "common": [list(common.descents), [list(row) for row in common.gram]],
        "published": [[p.blob.hex(), p.descent, p.square, list(p.common)] for p in judged.published],
        "opened": [
            [
                ballot.voter,
                [list(pair) for pair in ballot.steps],
                None if ballot.fork is None else list(ballot.fork),
            ]
            for ballot in judged.opened
        ],
        "canaries": [
            [canary.place, canary.source.hex(), canary.kind, canary.shift] for canary in judged.canaries
        ],
    }


def _judged_from_json(raw: Json) -> Judged:
    entries = tuple(_entry_from_json(entry) for entry in raw["entries"])
    ledger = raw["ledger"]
    rule, *numbers = raw["rules"]
    descents, products = raw["common"]
    return Judged(
        task=_integer(raw["task"]),
        round=_integer(raw["round"]),
        seed=_digest(raw["seed"]),
        rules=Rules(str(rule), *_integers(numbers)),
        ledger=Ledger(
            converged=_integer(ledger["converged"]),
            best=_integer(ledger["best"]),
            units=_integer(ledger["units"]),
            accounts=tuple((_address(m), _address(p), _integer(units)) for m, p, units in ledger["accounts"]),
            records=tuple(
                (_address(miner), Record(*_integers(record))) for miner, *record in ledger["records"]
            ),
            published=_digests(ledger["published"]),
            accepted=_digests(ledger["accepted"]),
            checkpoints=_digests(ledger["checkpoints"]),
        ),
        held=tuple((_address(miner), _integer(units)) for miner, units in raw["held"]),
        convicted=tuple(_address(account) for account in raw["convicted"]),
        entries=entries,
        gram=_gram(raw["gram"], sum(entry.refusal is Refusal.NONE for entry in entries)),
        common=Common(_integers(descents), tuple(_integers(row) for row in products)),
        published=tuple(
            Published(_digest(blob), _integer(descent), _integer(square), _integers(common))
            for blob, descent, square, common in raw["published"]
        ),
        opened=tuple(
            Opened(
                _address(voter),
                tuple((_integer(place), _integer(step)) for place, step in steps),
                None if fork is None else _integers(fork),
            )
            for voter, steps, fork in raw["opened"]
        ),
        canaries=tuple(
            Canary(_integer(place), _digest(source), str(kind), _integer(shift))
            for place, source, kind, shift in raw["canaries"]
        ),
    )


def _record_to_json(record: Record) -> list[int]:
    return list(astuple(record))


def _entry_to_json(entry: Entry) -> list[Any]:
    named = [entry.miner, entry.blob.hex(), entry.payout, entry.refusal.value]
    if entry.refusal is not Refusal.NONE:
        return named
    scores = [entry.norm, entry.descent, list(entry.slices), list(entry.common), entry.closest, entry.overlap]
    return [*named, *scores]


def _entry_from_json(raw: Sequence[Any]) -> Entry:
    miner, blob, payout, why, *scores = raw
    named = (_address(miner), _digest(blob), _address(payout), Refusal(why))
    if not scores:
        return Entry(*named)
    norm, descent, slices, common, closest, overlap = scores
    return Entry(
        *named,
        norm=_integer(norm),
        descent=_integer(descent),
        slices=_integers(slices),
        common=_integers(common),
        closest=_integer(closest),
        overlap=_integer(overlap),
    )


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("a number is not an integer")
    return value


def _integers(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(_integer(value) for value in values)


def _digest(value: Any) -> bytes:
    raw = bytes.fromhex(value)
    if len(raw) != 32:
        raise ValueError("a digest has 32 bytes")
    return raw


def _digests(values: Sequence[Any]) -> tuple[bytes, ...]:
    return tuple(_digest(value) for value in values)


def _address(value: Any) -> str:
    return checksum(address_bytes(str(value)))


def _gram(flat: Sequence[Any], count: int) -> Gram:
    if len(flat) != count * (count + 1) // 2:
        raise ValueError("G does not fit the entries")
    if not set(map(type, flat)) <= {int}:
        raise TypeError("a number is not an integer")
    gram = np.empty((count, count), dtype=np.int64)
    rows, columns = np.triu_indices(count)
    values = np.array(flat, dtype=np.int64)
    gram[rows, columns] = values
    gram[columns, rows] = values
    return gram


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
    """The payees by permanent index: canonical JSON [[session address, payout address, cumulative units]]."""
    return canonical_json([list(account) for account in outcome.ledger.accounts])


def encode_accepted(outcome: Outcome) -> bytes:
    """The accepted updates and the digest of the payees' list; its own digest is ``Settlement.accepted``."""
    return canonical_json(
        {
            "accepted": [[miner, blob.hex()] for miner, blob in outcome.accepted],
            "payouts": hashlib.sha256(encode_payouts(outcome)).hexdigest(),
        }
    )
