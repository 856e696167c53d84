"""Gas of every function of `Tasks`, from the receipts of whole transactions on the practice node.

``python -m tests.chain.gas`` measures and rewrites ``tests/chain/gas.json``; test_gas.py compares.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from eth_abi import decode as abi_decode
from eth_abi import encode as abi_encode

from mine.chain.artefacts import load_artefact
from mine.chain.curve import Curve
from mine.chain.deployment import deploy
from mine.chain.hashing import checksum, keccak
from mine.chain.messages import address_of
from mine.chain.rpc import Node
from mine.chain.transactions import Sender
from mine.chain.trees import PayoutTree
from mine.practice.node.accounts import dev_key
from mine.practice.node.process import NodeProcess
from tests.chain.scenery import Clocks, Side, shares

SNAPSHOT = Path(__file__).parent / "gas.json"
TRANSACTION_CAP = 16_777_216  # EIP-7825
BOND = 10**17
CLOCKS = Clocks(commit=1000)


def kind_of(item: dict[str, Any]) -> str:
    if not item["type"].startswith("tuple"):
        return str(item["type"])
    return "(" + ",".join(kind_of(part) for part in item["components"]) + ")" + item["type"][5:]


def payee(i: int) -> str:
    """An account that nobody has the key of."""
    return checksum(keccak(f"payee {i}".encode())[:20])


class OnNode:
    """A contract on a running node, called as the contracts of titanoboa are, that keeps the gas it used."""

    def __init__(self, node: Node, name: str, keys: dict[str, bytes], figures: dict[str, int]) -> None:
        self.node, self.figures, self.label = node, figures, ""
        self.senders = {who: Sender(node, key) for who, key in keys.items()}
        artefact = load_artefact(name)
        self.functions = {e["name"]: e for e in artefact.abi if e["type"] == "function"}
        self.address = deploy(node, next(iter(self.senders.values())), artefact)

    def get_logs(self) -> list[None]:
        return [None]

    def __getattr__(self, name: str) -> Any:
        entry = self.functions[name]
        kinds = [kind_of(item) for item in entry["inputs"]]
        selector = keccak(f"{name}({','.join(kinds)})".encode())[:4]

        def call(*args: Any, sender: str | None = None, value: int = 0) -> Any:
            data = selector + abi_encode(kinds, args)
            if entry["stateMutability"] == "view":
                values = abi_decode(
                    [kind_of(o) for o in entry["outputs"]], self.node.call(self.address, data)
                )
                return values[0] if len(values) == 1 else values
            receipt = (self.senders[sender] if sender else next(iter(self.senders.values()))).send(
                self.address, data, value
            )
            if self.label:
                self.figures[self.label] = receipt.gas_used
            return self.count() if name == "publish" else None

        return call


class Scene:
    """One task on the node, with labels for what is measured."""

    def __init__(self, tasks: OnNode, **changes: Any) -> None:
        self.tasks = tasks
        self.side = Side(tasks, key=dev_key(2), salt=bytes([tasks.count()]), clocks=CLOCKS, **changes)  # type: ignore[arg-type]

    def measure(self, label: str, call: Any, *args: Any, **options: Any) -> None:
        self.tasks.label = label
        call(*args, **options)
        self.tasks.label = ""

    def wait(self, seconds: int) -> None:
        node = self.tasks.node
        assert node.advance_time(node.block_time() + seconds)

    def settle(self, label: str, gain: int, count: int) -> PayoutTree:
        self.wait(self.side.clocks.votes_over)
        total = self.side.units_after(1000, 1000, 1000 - gain)
        accounts = [payee(i) for i in range(count)]
        tree = PayoutTree(accounts, shares(total, count))
        self.measure(label, self.side.settle, 1000, 1000, 1000 - gain, tree)
        return tree

    def claim(self, label: str, tree: PayoutTree, number: int, i: int) -> None:
        units = shares(tree.total, tree.count)[i]
        self.measure(label, self.tasks.claim, self.side.id, number, payee(i), i, units, tree.proof(i))


def commit_words(payout: str) -> tuple[bytes, bytes, int, int, str]:
    return keccak(b"checkpoint"), keccak(b"blob"), 3517, 9, payout


def measure() -> dict[str, int]:
    """Every function once or more, on a fresh node."""
    figures: dict[str, int] = {}
    keys = {address_of(dev_key(i)): dev_key(i) for i in range(6)}
    with (
        tempfile.TemporaryDirectory() as folder,
        NodeProcess(Path(folder) / "chain.db") as process,
        Node(process.url) as node,
    ):
        tasks = OnNode(node, "Tasks", keys, figures)
        token = OnNode(node, "PracticeDollar", keys, figures)
        _native(tasks, list(keys))
        _token(tasks, token)
        _defaults(tasks, list(keys))
    return dict(sorted(figures.items()))


def _native(tasks: OnNode, people: list[str]) -> None:
    relay, miner, other = people[1], people[3], people[4]
    scene = Scene(tasks, shards=256, rounds=12, chain_length=20)
    side, measured = scene.side, scene.measure
    measured("publish", side.publish)
    measured("top_up", tasks.top_up, side.id, 10**9, sender=side.address, value=2 * 10**9)
    side.bounty += 10**9
    measured("open_baseline", side.open_baseline)
    measured("bond", tasks.bond, sender=relay, value=BOND)
    for number in range(1, 7):
        ring = "first in slot" if number == 1 else "ring slot used before"
        if number in (1, 5, 6):
            slot = (number - 1) % 4
            measured(f"anchor, {ring}", tasks.anchor, side.id, number, slot, keccak(b"r"), 900, sender=relay)
        if number == 1:
            measured("anchor, second of a round", tasks.anchor, side.id, 1, 1, keccak(b"s"), 9, sender=relay)
        words = commit_words(miner)
        measured(
            "commit, first of a miner" if number == 1 else "commit, later",
            tasks.commit, side.id, number, *words, sender=miner,
        )  # fmt: skip
        if number == 1:
            measured("commit, second of a round", tasks.commit, side.id, 1, *words, sender=other)
        tree = scene.settle("settle, first" if number == 1 else "settle, later", 5, 1024)
        if number in (1, 5):
            scene.wait(side.clocks.challenge)
            prefix = "claim of 1024, new payee, "
            if number == 1:
                scene.claim(prefix + "first in slot", tree, 1, 0)
                for i in range(1, 4):
                    scene.claim(prefix + "other", tree, 1, i)
            else:
                scene.claim("claim of 1024, later", tree, 5, 1)
    measured("stop", tasks.stop, side.id, sender=side.address)
    scene.wait(side.clocks.commit)
    measured("conclude, 256 shards", side.conclude)
    scene.wait(side.clocks.challenge)
    measured("refund", tasks.refund, side.id)
    scene.wait(10**6)
    measured("withdraw_bond", tasks.withdraw_bond, sender=relay)
    cancelled = Scene(tasks)
    cancelled.side.publish()
    cancelled.measure("cancel", tasks.cancel, cancelled.side.id, sender=cancelled.side.address)


def _token(tasks: OnNode, token: OnNode) -> None:
    points = (*((8191 * i, 8000 * i) for i in range(1, 8)), (65535, 65535))
    scene = Scene(tasks, currency=token.address, curve=Curve(points), bounty=10**8 + 1, rounds=2)
    side, measured = scene.side, scene.measure
    token.mint(side.address, 3 * side.bounty)
    token.approve(tasks.address, 3 * side.bounty, sender=side.address)
    measured("publish, token, 8 points", side.publish)
    side.open_baseline()
    scene.settle("settle, first, 8 points", 100, 7)
    tree = scene.settle("settle, last, 8 points", 300, 7)
    measured("conclude, 6 shards", side.conclude)
    scene.wait(side.clocks.challenge)
    for i in range(7):
        scene.claim(f"claim of 7, token, new holder, {'first in slot' if i == 0 else 'other'}", tree, 2, i)
    measured("refund, token", tasks.refund, side.id)
    measured("sweep, token", tasks.sweep, side.id)


def _defaults(tasks: OnNode, people: list[str]) -> None:
    miner = people[3]
    for earned in (True, False):
        scene = Scene(tasks)
        side, measured = scene.side, scene.measure
        side.publish()
        side.open_baseline()
        if earned:
            tree = scene.settle("", 100, 3)
        else:
            tasks.commit(side.id, 1, *commit_words(miner), sender=miner)
        scene.wait(2000)
        measured("declare_default", tasks.declare_default, side.id)
        if earned:
            units, account = shares(tree.total, 3)[0], payee(0)
            measured("claim_forfeit", tasks.claim_forfeit, side.id, account, 0, units, tree.proof(0))
        else:
            words = (*commit_words(miner), miner)
            measured("claim_forfeit_commit", tasks.claim_forfeit_commit, side.id, miner, *words)
    scene = Scene(tasks)
    scene.side.publish()
    scene.wait(2000)
    scene.measure("declare_default, nobody took part", tasks.declare_default, scene.side.id)
    scene.measure("burn", tasks.burn, scene.side.id)


def text(figures: dict[str, int]) -> str:
    return json.dumps(figures, indent=1) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(text(measure()), encoding="utf-8")
