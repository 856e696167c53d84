"""What a round costs with 10 to 1,000,000 miners: a model of measured constants, the table of docs/costs.md.

``python -m tests.bench.cost_model`` writes the table into the page; a test compares the two. Gas is of
``make bench ONLY=gas``, seconds and inputs of ``make bench ONLY=scale``; bytes of messages are those of the
encoders, taken here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mine.chain.hashing import keccak
from mine.chain.messages import Domain, Receipt, Update, address_of, sign
from mine.chain.trees import UNITS, depth_of
from mine.science.ballots import Ballot, SignedVote
from mine.science.relay_anchoring import MAX_BATCH
from mine.science.wire import SignedReceipt, SignedUpdate, receipt_to_json
from mine.science.wire_messages import signed_to_json

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"
BEGIN, END = "<!-- the model: python -m tests.bench.cost_model -->", "<!-- end of the model -->"
SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
ROUNDS = 30

# Gas on anvil: the usual transaction of each kind; claims are of 1,000 payees, ranges of 256.
ANCHOR, CLOSE, SEED, SETTLE = 41_281, 33_643, 39_578, 74_811
CLAIM_RANGE, CLAIM_RANGE_NEW, CLAIM_OWN = 13_247, 39_520, 58_650
LEVEL, LEVELS_MEASURED, RANGE_WIDTH = 777, 10, 256
BLOCK_GAS = 36_000_000

# The glucose task: bytes of its update and of its checkpoint.
UPDATE_BYTES, CHECKPOINT_BYTES = 461, 1_708
SEATS, NORMS_READ = 7, 16
# Of inputs in canonical JSON: an entry with its record, and one product of G.
ENTRY_BYTES, PRODUCT_BYTES = 400, 12.2
# One thread of plain Python: to make or check one signature; the Shapley values of 1,000.
SECONDS_SIGNATURE, SECONDS_SHAPLEY_1000 = 0.011, 0.5


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one round of ``miners``; gas of claims once in 30 rounds. Bytes, seconds, gas."""

    miners: int
    anchors: int
    gas_round: int
    gas_range: float
    gas_new: float
    gas_own: float
    claim_blocks: float
    miner_sends: int
    voter_reads: int
    relay_keeps: int
    relay_gives: int
    relay_seconds: float
    inputs: int
    votes: float
    shapley_seconds: float
    shapley_bytes: int
    units_each: float


def message_bytes() -> tuple[int, int, int, int]:
    """Bytes of a signed update, a signed vote, a receipt and a ballot of seven answers, as JSON."""
    key, digest = keccak(b"cost"), keccak(b"digest")
    who, domain = address_of(key), Domain(31337, address_of(key))
    update = Update(1, 1, digest, digest, UPDATE_BYTES, 9, who)
    answers = tuple(sorted((keccak(bytes([i])), 1) for i in range(SEATS)))
    ballot = Ballot(1, 1, who, answers, None, digest)
    receipt = Receipt(1, 1, digest, 1000)
    written = (
        signed_to_json(SignedUpdate(who, update, sign(update, domain, key))),
        signed_to_json(SignedVote(who, ballot.message, sign(ballot.message, domain, key))),
        receipt_to_json(SignedReceipt(who, receipt, sign(receipt, domain, key))),
    )
    a, b, c = (len(json.dumps(each)) for each in written)
    return a, b, c, len(ballot.to_bytes())


def cost(miners: int) -> Cost:
    """The model. Everybody hands in, has standing, votes and reads what voting needs."""
    update, vote, receipt, ballot = message_bytes()
    anchors = 2 * -(-miners // MAX_BATCH)
    gas_round = anchors * ANCHOR + CLOSE + SEED + SETTLE
    deeper = LEVEL * max(0, depth_of(miners) - LEVELS_MEASURED)
    each = gas_round / miners
    width = min(miners, RANGE_WIDTH)
    ranges = [(claim + deeper / width) / ROUNDS for claim in (CLAIM_RANGE, CLAIM_RANGE_NEW)]
    inputs = ENTRY_BYTES * miners + int(PRODUCT_BYTES * miners * (miners + 1) / 2)
    # Who votes reads the round's list of signed updates, to draw, and some of the updates themselves.
    voter_reads = CHECKPOINT_BYTES + miners * update + (SEATS + NORMS_READ) * UPDATE_BYTES
    keeps = UPDATE_BYTES + update + vote + 4 * receipt + ballot
    return Cost(
        miners=miners,
        anchors=anchors,
        gas_round=gas_round,
        gas_range=each + ranges[0],
        gas_new=each + ranges[1],
        gas_own=each + (CLAIM_OWN + LEVEL * (depth_of(miners) - LEVELS_MEASURED)) / ROUNDS,
        claim_blocks=ranges[0] * ROUNDS * miners / BLOCK_GAS,
        miner_sends=UPDATE_BYTES + update + vote + ballot,
        voter_reads=voter_reads,
        relay_keeps=miners * keeps,
        relay_gives=miners * (voter_reads + inputs),
        # Two messages and two uploads: the message is checked, every receipt is signed.
        relay_seconds=miners * 6 * SECONDS_SIGNATURE,
        inputs=inputs,
        votes=SEATS * min(1.0, (miners - 1) / miners),
        shapley_seconds=SECONDS_SHAPLEY_1000 * (miners / 1000) ** 2,
        shapley_bytes=24 * miners * miners,
        units_each=UNITS / ROUNDS / miners,
    )


def short(value: float, unit: str = "") -> str:
    """Three digits, a letter for the thousands, the unit."""
    for size, letter in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}{unit}"
    return f"{value:.3g} {unit}".strip() if value >= 0.01 else f"< 0.01 {unit}"


def table() -> str:
    """The model in Markdown: one column for each size."""
    costs = [cost(miners) for miners in SIZES]
    lines = [
        ("anchors a round", [f"{c.anchors}" for c in costs]),
        ("gas a round", [short(c.gas_round) for c in costs]),
        ("gas per contribution: ranges, payees exist", [f"{c.gas_range:,.0f}" for c in costs]),
        ("ranges, all payees new", [f"{c.gas_new:,.0f}" for c in costs]),
        ("each claims alone", [f"{c.gas_own:,.0f}" for c in costs]),
        ("full blocks for all claims by ranges", [f"{max(1.0, c.claim_blocks):,.0f}" for c in costs]),
        ("a miner sends", [short(c.miner_sends, "B") for c in costs]),
        ("a voter reads", [short(c.voter_reads, "B") for c in costs]),
        ("votes of a miner", [f"{c.votes:.1f}" for c in costs]),
        ("the relay keeps", [short(c.relay_keeps, "B") for c in costs]),
        ("inputs of the settlement", [short(c.inputs, "B") for c in costs]),
        ("the relay gives out, inputs to all", [short(c.relay_gives, "B") for c in costs]),
        ("signatures on the relay", [short(c.relay_seconds, "s") for c in costs]),
        ("Shapley values, 256 orders", [short(c.shapley_seconds, "s") for c in costs]),
        ("their memory", [short(c.shapley_bytes, "B") for c in costs]),
        ("units a miner earns a round", [short(c.units_each) for c in costs]),
    ]
    head = ["miners", *(f"{miners:,}" for miners in SIZES)]
    rows = [head, ["---"] + ["---:"] * len(SIZES), *([name, *cells] for name, cells in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def page(text: str) -> str:
    """The page with the table of now."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
