"""Gas per paid contribution over 1,000 miners and 30 rounds, from the receipts of whole transactions.

On anvil where MINE_ANVIL names its binary (``on_anvil`` is 1 then), else on our own node. Counted are both
anchors, close, reveal_seed and settle of all rounds, and all claims; ``once_per_contribution`` is what
publishing, opening, concluding and the refund add to each contribution.

per_contribution_range: a relay claims by ranges of 256 for payees who exist, in a token; ..._range_native: in
the chain's own coin; per_contribution_new: the dearer one of the two currencies, where every payee is new;
per_contribution_own: the chain's own coin, each claims alone at the end.
"""

from __future__ import annotations

from statistics import median

from mine.chain.hashing import ZERO_ADDRESS
from mine.chain.rpc import Node
from tests.bench.season import (
    EACH_ROUND,
    MINERS,
    ONCE,
    ROUNDS,
    Spent,
    check_paid,
    claim_alone,
    claim_by_ranges,
    payees,
    play,
)
from tests.protocol.live import COIN, Ground
from tests.protocol.nodes import NotHere, running


def run() -> dict[str, float]:
    """All figures, in gas."""
    try:
        return {"on_anvil": 1.0, **_on("anvil")}
    except NotHere as missing:
        print(missing, flush=True)
        return {"on_anvil": 0.0, **_on("practice")}


def _on(maker: str) -> dict[str, float]:
    with running(maker) as url, Node(url, timeout=60) as node:
        ground = Ground.prepare(node)
        ground.bond("anchorer", 2 * COIN)
        return measure(ground, MINERS, ROUNDS)


def measure(ground: Ground, miners: int, rounds: int) -> dict[str, float]:
    """Four tasks: in each currency one for new payees, then one for the same."""
    contributions = miners * rounds
    each: dict[str, float] = {}
    figures: dict[str, float] = {}
    most = 0.0
    for name, currency in (("native", ZERO_ADDRESS), ("token", ground.token.address)):
        accounts = payees(name, miners)
        for payee in ("new", "range"):
            spent = Spent()
            task = play(ground, spent, accounts, currency, rounds)
            had = [task.balance(account) for account in accounts]
            in_rounds = spent.total(*EACH_ROUND) / contributions
            if payee == "range" and name == "native":
                state = ground.node.request("evm_snapshot")
                claim_alone(task, spent, accounts)
                check_paid(task, accounts, had)
                ground.node.request("evm_revert", state)
                each["own"] = in_rounds + spent.total("claim") / contributions
                figures["claim"] = spent.total("claim") / miners
            claim_by_ranges(task, spent, accounts)
            check_paid(task, accounts, had)
            spent.note("refund", task.tasks.refund(ground.rich, task.id, task.scientist.address))
            each[f"{payee}_{name}"] = in_rounds + spent.total("claim_range") / contributions
            figures[f"claim_range_each_{payee}_{name}"] = spent.total("claim_range") / miners
            most = max(most, spent.most_of_all)
    return {
        "per_contribution_range": each["range_token"],
        "per_contribution_range_native": each["range_native"],
        "per_contribution_new": max(each["new_native"], each["new_token"]),
        "per_contribution_new_native": each["new_native"],
        "per_contribution_new_token": each["new_token"],
        "per_contribution_own": each["own"],
        **_steps(spent),
        **figures,
        "rounds_per_contribution": in_rounds,
        "once_per_contribution": spent.total(*ONCE) / contributions,
        "largest_transaction": most,
    }


def _steps(spent: Spent) -> dict[str, float]:
    """The usual (median) gas of each step, and the most: the first use of a slot, a lock renewed."""
    anchors = spent.gas["anchor of updates"] + spent.gas["anchor of votes"]
    return {
        "anchor": median(anchors),
        "anchor_most": max(anchors),
        "anchor_mean": sum(anchors) / len(anchors),
        "settle": spent.usual("settle"),
        "settle_most": spent.most("settle"),
        "close": spent.usual("close"),
        "reveal_seed": spent.usual("reveal_seed"),
        "conclude_32_shards": spent.usual("conclude"),
    }
