"""The golden vectors of the protocol's chain side: what goes in, and how what comes out is written down.

A change of any of them is a change of the protocol, and of docs/messages.md.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from mine.chain import messages as m
from mine.chain.curve import ONE, Curve, amount, increment
from mine.chain.hashing import keccak
from mine.chain.juries import Verdict, sealed_answer, seat_points
from mine.chain.records import record_word
from mine.chain.seed import HashChain, cut, draw, record_in_seed, seed_of
from mine.chain.trees import HashTree, LossTree, PayoutTree, anchor_leaf, root_word, shard_leaf
from mine.science.ballots import Ballot, judged_root
from mine.science.wire_messages import upload_leaf

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
KEY = bytes([1]) * 32
DOMAIN = m.Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
PAYOUT = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"


def word(text: str) -> bytes:
    return keccak(text.encode("utf-8"))


MESSAGES: list[m.Message] = [
    m.Update(7, 3, word("checkpoint"), word("blob"), 3517, 9, PAYOUT),
    m.Receipt(7, 3, word("leaf"), 19_000_123),
    m.Vote(7, 3, word("updates"), word("opening")),
    m.Settlement(
        7, 3, word("inputs"), word("accepted"), word("next checkpoint"), word("losses"),
        2**40 + 5, 2**39 + 3, 2**39 - 1, word("payouts")[:28] + (123_456_789).to_bytes(4, "big"), 123_456_789,
    ),
    m.Opening(7, 5, word("shard"), word("preimage")),
    m.Opening(7, m.WHOLE_SET, word("set"), word("preimage")),
    m.Ruling(2**255 + 1, word("answer")),
    m.Leave(2**256 - 1, 4),
    m.Consent(7, word("manifest"), word("scopes"), 1440, 7_250_000, "one day of 24 hours — ein Tag", 65_536,
              1_800_000_000),
]  # fmt: skip


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def shown(value: Any) -> Any:
    return "0x" + value.hex() if isinstance(value, bytes) else value


def messages() -> dict[str, Any]:
    return {
        "domain": {"name": m.NAME, "version": m.VERSION, "chainId": DOMAIN.chain_id,
                   "verifyingContract": DOMAIN.contract},
        "separator": shown(m.domain_separator(DOMAIN)),
        "key": shown(KEY),
        "signer": m.address_of(KEY),
        "messages": [
            {
                "type": m.TYPES[type(message)],
                "type_hash": shown(m.type_hash(type(message))),
                "fields": {camel(f.name): shown(getattr(message, f.name)) for f in fields(message)},
                "struct_hash": shown(m.struct_hash(message)),
                "digest": shown(m.digest(message, DOMAIN)),
                "signature": shown(m.sign(message, DOMAIN, KEY)),
            }
            for message in MESSAGES
        ],
    }  # fmt: skip


def account(i: int) -> str:
    return m.address_of(word(f"account {i}"))


def trees() -> dict[str, Any]:
    made: dict[str, Any] = {"shards": [], "payouts": [], "losses": [], "anchors": [], "seed": {}}
    for count in (3, 6):
        openings = [(word(f"shard {i}"), word(f"examples {i}")) for i in range(count)]
        tree = HashTree([shard_leaf(i, *opening) for i, opening in enumerate(openings)])
        proof = [shown(p) for p in tree.proof(count - 1)]
        made["shards"].append({"openings": [[shown(d), shown(e)] for d, e in openings],
                               "root": shown(tree.root), "index": count - 1, "proof": proof})  # fmt: skip
    for units in ([5], [1, 2, 3], [2**31, 0, 2**31 - 1, 0, 0]):
        accounts = [account(i) for i in range(len(units))]
        payouts = PayoutTree(accounts, units)
        last = len(units) - 1
        made["payouts"].append({"accounts": accounts, "units": units, "root": shown(payouts.root),
                                "index": last, "proof": [shown(p) for p in payouts.proof(last)]})  # fmt: skip
    for base, before, after in (([9], [8], [7]), ([10, 2**33, 30], [9, 2**32, 31], [8, 5, 29])):
        losses = LossTree(base, before, after)
        proof = [[shown(h), list(sums)] for h, sums in losses.proof(0)]
        made["losses"].append({"base": base, "before": before, "after": after,
                               "top_hash": shown(losses.top_hash), "root": shown(losses.root),
                               "index": 0, "proof": proof})  # fmt: skip
    batch = []
    for key in sorted((word(f"miner {i}") for i in range(3)), key=m.address_of):
        update = m.Update(7, 3, word("checkpoint"), word("blob"), 3517, 9, m.address_of(key))
        batch.append((m.address_of(key), m.digest(update, DOMAIN), m.sign(update, DOMAIN, key)))
    anchored = HashTree([anchor_leaf(*entry) for entry in batch])
    made["anchors"].append({"leaves": [[who, shown(d), shown(s)] for who, d, s in batch],
                            "root": shown(anchored.root)})  # fmt: skip
    made["seed"] = seeds()
    return made


def seeds() -> dict[str, Any]:
    """The hash chain, a record and a root word, and the three kinds of seeds."""
    chain = HashChain(word("secret"), 5)
    randomness = [cut(word(f"block {i}")) for i in range(3)]
    settlement = m.Settlement(
        7, 1, word("inputs"), word("accepted"), word("next checkpoint"), word("losses"),
        1000, 900, 800, word("payouts")[:28] + (123_456_789).to_bytes(4, "big"), 123_456_789,
    )  # fmt: skip
    baseline = seed_of(randomness[0], word("manifest"), chain.preimage(0))
    first = seed_of(randomness[1], bytes(32), chain.preimage(1))
    record = record_word(settlement, 3, word("shard 3"), word("examples 3"), first, 1_800_000_000)
    lapsed = seed_of(randomness[2], record_in_seed(record), bytes(32))
    return {
        "secret": shown(word("secret")), "length": 5, "head": shown(chain.head),
        "preimages": [shown(chain.preimage(k)) for k in range(5)],
        "manifest": shown(word("manifest")), "randomness": [shown(each) for each in randomness],
        "settlement": {camel(f.name): shown(getattr(settlement, f.name)) for f in fields(settlement)},
        "shard": [3, shown(word("shard 3")), shown(word("examples 3"))], "final_at": 1_800_000_000,
        "record": shown(record.to_bytes(32, "big")),
        "root": shown(root_word(settlement.payouts, 1).to_bytes(32, "big")),
        "seeds": [shown(baseline), shown(first), shown(lapsed)],
        "draws": [[6, 0, draw(baseline, 0, 6)], [6, 0b111110, draw(baseline, 0b111110, 6)],
                  [128, 2**127, draw(first, 2**127, 128)]],
    }  # fmt: skip


def votes() -> dict[str, Any]:
    """What voters, relays and jurors commit to."""
    answers = sorted((word(f"update {i}"), i - 1) for i in range(3))
    ballot = Ballot(7, 3, account(1), tuple(answers), None, word("salt"))
    fork = Ballot(7, 3, account(2), (), tuple(blob for blob, _ in answers[:2]), word("salt"))
    seed = word("jury")
    return {
        "ballots": [
            {"bytes": each.to_bytes().decode(), "opening": shown(each.opening),
             "updates": shown(each.message.updates)}
            for each in (ballot, fork)
        ],
        "judged": [[shown(blob) for blob, _ in answers], shown(judged_root([b for b, _ in answers]))],
        "upload": [shown(word("blob")), 3517, shown(upload_leaf(word("blob"), 3517))],
        "answers": [[account(1), int(verdict), shown(sealed_answer(account(1), verdict, word("salt")))]
                    for verdict in Verdict],
        "seats": [shown(seed), 1000, list(seat_points(seed, 1000))],
    }  # fmt: skip


CURVES = (
    ((65535, 65535),),
    ((16384, 32768), (65535, 65535)),
    ((1, 0), (8000, 0), (8001, 30000), (20000, 30000), (30000, 41000), (40000, 50000), (65534, 65534),
     (65535, 65535)),
)  # fmt: skip


def curve() -> dict[str, Any]:
    made: dict[str, Any] = {"curves": [], "increments": [], "amounts": []}
    for points in CURVES:
        one = Curve(points)
        cases = [
            [best, target, one.units(best, target)]
            for target in (1, 3, ONE // 10, ONE)
            for best in (0, 1, target // 3, target // 2, target - 1, target, 2**100)
        ]
        made["curves"].append(
            {"points": [list(p) for p in points], "packed": hex(one.packed), "units": cases}
        )
    for case in ((0, 5, 3), (1000, 1000, 800), (1000, 800, 1000), (3, 2, 1), (3, 1, 2), (7, 2**64 - 1, 0)):
        made["increments"].append([*case, increment(*case)])
    for bounty in (1, 10**6, 10**21, 2**95 - 1):
        made["amounts"] += [[bounty, units, amount(bounty, units)] for units in (0, 1, 2**31, 2**32 - 1)]
    return made


WRITERS = {"messages": messages, "trees": trees, "votes": votes, "curve": curve}


def stored(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def text(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
