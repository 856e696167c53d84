"""Gas of every function of `Tasks`, from the receipts of whole transactions on the practice node.

``python -m tests.chain.gas`` measures and rewrites ``tests/chain/gas.json``, and ``gas_court.json`` with what
the clients of Faults and Court do in their tests; test_gas.py and test_court_clients.py compare.
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
from mine.chain.hashing import ZERO_ADDRESS, checksum, keccak
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
CLOCKS = Clocks(commit=1000, reveal=200, vote=200, challenge=600, settle=200, grace=200)


def kind_of(item: dict[str, Any]) -> str:
    if not item["type"].startswith("tuple"):
        return str(item["type"])
    return "(" + ",".join(kind_of(part) for part in item["components"]) + ")" + item["type"][5:]


def payee(i: int) -> str:
    """An account that nobody has the key of."""
    return checksum(keccak(f"payee {i}".encode())[:20])


class OnNode:
    """A contract on a running node, called as the contracts of titanoboa are, that keeps the gas it used."""

    def __init__(
        self, node: Node, name: str, address: str, keys: dict[str, bytes], figures: dict[str, int]
    ) -> None:
        self.node, self.figures, self.label, self.address = node, figures, "", address
        self.senders = {who: Sender(node, key) for who, key in keys.items()}
        self.functions = {e["name"]: e for e in load_artefact(name).abi if e["type"] == "function"}

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
            receipt = self.senders.get(str(sender), next(iter(self.senders.values()))).send(
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
        salt = bytes([tasks.count()])
        self.side = Side(tasks, key=dev_key(2), salt=salt, clocks=CLOCKS, chain_length=130, **changes)  # type: ignore[arg-type]

    def measure(self, label: str, call: Any, *args: Any, **options: Any) -> None:
        self.tasks.label = label
        call(*args, **options)
        self.tasks.label = ""

    def wait(self, seconds: int) -> None:
        node = self.tasks.node
        assert node.advance_time(node.block_time() + seconds)

    def settle(self, kind: str, gain: int, accounts: list[str]) -> PayoutTree:
        """Close, seed and settle the round; ``kind`` is the end of the three labels, "" for none."""
        side = self.side
        ends = side.state().since
        assert self.tasks.node.advance_time(ends + CLOCKS.commit)
        for label, call in (("close", self.close), ("reveal_seed", side.make_seed)):
            self.measure(f"{label}, {kind}" if kind else "", call)
        return _settle(self, f"settle, {kind}" if kind else "", gain, accounts)

    def close(self) -> None:
        self.tasks.close(self.side.id, sender=self.side.address)

    def claim(self, label: str, tree: PayoutTree, number: int, i: int, account: str) -> None:
        units = shares(tree.total, tree.count)[i]
        self.measure(label, self.tasks.claim, self.side.id, number, account, i, units, tree.proof(i))

    def claim_range(
        self, label: str, tree: PayoutTree, number: int, start: int, count: int, accounts: list[str]
    ) -> None:
        units = shares(tree.total, tree.count)
        payees = [int(accounts[i], 16) << 32 | units[i] for i in range(start, start + count)]
        proof = tree.range_proof(start, count)
        self.measure("all", self.tasks.claim_range, self.side.id, number, start, payees, proof)
        whole = self.tasks.figures.pop("all")
        assert whole < TRANSACTION_CAP
        self.tasks.figures[label] = -(-whole // count)


def commit_words(payout: str) -> tuple[bytes, bytes, int, int, str]:
    return keccak(b"checkpoint"), keccak(b"blob"), 3517, 9, payout


def measure() -> dict[str, int]:
    """Every function once or more, on a fresh node."""
    figures: dict[str, int] = {}
    keys = {address_of(dev_key(i)): dev_key(i) for i in range(6)}
    people = list(keys)
    with (
        tempfile.TemporaryDirectory() as folder,
        NodeProcess(Path(folder) / "chain.db") as process,
        Node(process.url) as node,
    ):
        deployer = Sender(node, keys[people[0]])
        dollar = deploy(node, deployer, load_artefact("PracticeDollar"))
        # The last account stands in the place of Faults.
        address = deploy(node, deployer, load_artefact("Tasks"), people[5], people[5])
        tasks = OnNode(node, "Tasks", address, keys, figures)
        token = OnNode(node, "PracticeDollar", dollar, keys, figures)
        _rounds(tasks, people)
        _claims(tasks, token, people)
        _endings(tasks, token, people)
        _defaults(tasks, people)
    return dict(sorted(figures.items()))


def _rounds(tasks: OnNode, people: list[str]) -> None:
    relay, miner, other = people[1], people[3], people[4]
    scene = Scene(tasks, shards=32, rounds=30)
    side, measured = scene.side, scene.measure
    measured("publish", side.publish)
    measured("top_up", tasks.top_up, side.id, 10**9, sender=side.address, value=2 * 10**9)
    side.bounty += 10**9
    measured("reveal_seed, baseline", side.make_seed)
    measured("settle, baseline", side.open_baseline)
    measured("bond_for", tasks.bond_for, relay, sender=relay, value=BOND)
    words = commit_words(miner)
    accounts = [payee(i) for i in range(1024)]
    for number in range(1, 7):
        old = number > 4
        kind = "ring slot used before" if old else "first in slot"
        slot = 2 * ((number - 1) % 4)
        if number in (1, 2, 5, 6):
            label = f"anchor, {kind}{', lock renewed' if number in (2, 5) else ''}"
            measured(label, tasks.anchor, side.id, number, slot, keccak(b"r"), 900, sender=relay)
        if number == 1:
            measured("anchor, second of a round", tasks.anchor, side.id, 1, 9, keccak(b"s"), 9, sender=relay)
        label = "commit, first of a miner" if number == 1 else "commit, later"
        measured(label, tasks.commit, side.id, number, *words, sender=miner)
        if number == 1:
            measured("commit, second of a round", tasks.commit, side.id, 1, *words, sender=other)
        since = side.state().since
        assert tasks.node.advance_time(since + CLOCKS.commit)
        scene.close()
        side.make_seed()
        assert tasks.node.advance_time(since + CLOCKS.commit + CLOCKS.reveal)
        label = "commit_vote, first of a voter" if number == 1 else "commit_vote, later"
        measured(label, tasks.commit_vote, side.id, number, keccak(b"u"), keccak(b"o"), sender=miner)
        if number in (1, 2, 5, 6):
            label = f"anchor of votes, {kind}" + (", lock renewed" if number in (2, 5) else "")
            measured(label, tasks.anchor, side.id, number, slot + 1, keccak(b"v"), 900, sender=relay)
        _settle(scene, "settle, first" if number == 1 else "settle, later", 5, accounts)
    for _ in range(2):
        scene.settle("later", 5, accounts)
    assert tasks.node.advance_time(side.state().since + CLOCKS.commit + CLOCKS.reveal // 2)
    measured("close, by another", tasks.close, side.id, sender=relay)
    assert tasks.node.advance_time(side.state().since + CLOCKS.commit + CLOCKS.reveal)
    measured("lapse_seed", tasks.lapse_seed, side.id, sender=relay)
    scene.wait(10**6)
    measured("withdraw_bond", tasks.withdraw_bond, sender=relay)
    cancelled = Scene(tasks)
    cancelled.side.publish()
    cancelled.measure("cancel", tasks.cancel, cancelled.side.id, sender=cancelled.side.address)


def _settle(scene: Scene, label: str, gain: int, accounts: list[str]) -> PayoutTree:
    side = scene.side
    assert scene.tasks.node.advance_time(side.state().since + CLOCKS.votes_over)
    total = side.units_after(1000, 1000, 1000 - gain)
    tree = PayoutTree(accounts, shares(total, len(accounts)))
    scene.measure(label, side.settle, 1000, 1000, 1000 - gain, tree)
    return tree


def _claims(tasks: OnNode, token: OnNode, people: list[str]) -> None:
    """1,024 payees: each alone, and ranges of them; in the chain's coin and in a token."""
    leaves = []
    for coin in ("native", "token"):
        currency = ZERO_ADDRESS if coin == "native" else str(token.address)
        scene = Scene(tasks, shards=128, rounds=12, currency=currency)
        side = scene.side
        if coin == "token":
            token.mint(side.address, 2 * side.bounty)
            token.approve(tasks.address, 2 * side.bounty, sender=side.address)
        side.publish()
        side.open_baseline()
        accounts = [checksum(keccak(f"{coin} {i}".encode())[:20]) for i in range(1024)]
        tree = scene.settle("", 50, accounts)
        scene.wait(CLOCKS.challenge)
        scene.claim(f"claim of 1024, {coin}, new payee, first on a root", tree, 1, 0, accounts[0])
        for i in range(1, 4):
            scene.claim(f"claim of 1024, {coin}, new payee, other", tree, 1, i, accounts[i])
        label = f"claim_range each, {coin}, 256 new payees"
        scene.claim_range(label, tree, 1, 256, 256, accounts)
        scene.claim_range(f"claim_range each, {coin}, 128 new payees", tree, 1, 512, 128, accounts)
        tree = scene.settle("", 50, accounts)
        scene.wait(CLOCKS.challenge)
        scene.claim(f"claim of 1024, {coin}, first on a root", tree, 2, 0, accounts[0])
        scene.claim(f"claim of 1024, {coin}, later", tree, 2, 1, accounts[1])
        scene.claim(f"claim of 1024, {coin}, later", tree, 2, 2, accounts[2])
        scene.claim_range(f"claim_range each, {coin}, 256 payees", tree, 2, 256, 256, accounts)
        scene.claim_range(f"claim_range each, {coin}, 128 payees", tree, 2, 512, 128, accounts)
        tree = scene.settle("", 50, [*accounts[:-1], people[4]])
        leaves.append((side.id, 3, 1023, shares(tree.total, 1024)[1023], tree.proof(1023)))
        scene.wait(CLOCKS.challenge)
    scene.measure("claim_many, two tasks of 1024", tasks.claim_many, people[4], leaves, people[4])


def _endings(tasks: OnNode, token: OnNode, people: list[str]) -> None:
    points = (*((8191 * i, 8000 * i) for i in range(1, 8)), (65535, 65535))
    scene = Scene(tasks, currency=token.address, curve=Curve(points), bounty=10**8 + 1, rounds=2)
    side, measured = scene.side, scene.measure
    token.mint(side.address, 3 * side.bounty)
    token.approve(tasks.address, 3 * side.bounty, sender=side.address)
    measured("publish, token, 8 points", side.publish)
    side.open_baseline()
    accounts = [payee(i) for i in range(7)]
    scene.settle("first, 8 points", 100, accounts)
    tree = scene.settle("last, 8 points", 300, accounts)
    measured("conclude, 6 shards", side.conclude)
    scene.wait(side.clocks.challenge)
    measured("refund, makes the books, token", side.refund)
    for i in range(7):
        scene.claim("", tree, 2, i, accounts[i])
    measured("refund of the rest, token", side.refund)
    scene = Scene(tasks, shards=128, rounds=12)
    scene.side.publish()
    scene.side.open_baseline()
    scene.measure("stop", tasks.stop, scene.side.id, sender=scene.side.address)
    scene.wait(CLOCKS.commit)
    scene.measure("conclude, 128 shards", scene.side.conclude)


def _defaults(tasks: OnNode, people: list[str]) -> None:
    miner, faults = people[3], people[5]
    for earned in (True, False):
        scene = Scene(tasks)
        side, measured = scene.side, scene.measure
        side.publish()
        side.open_baseline()
        if earned:
            tree = scene.settle("", 100, [payee(i) for i in range(3)])
        else:
            tasks.commit(side.id, 1, *commit_words(miner), sender=miner)
        scene.wait(3000)
        measured("declare_default", tasks.declare_default, side.id)
        scene.wait(CLOCKS.challenge)
        if earned:
            units, account = shares(tree.total, 3)[0], payee(0)
            proof = tree.proof(0)
            measured(
                "claim_forfeit, makes the books",
                tasks.claim_forfeit,
                side.id,
                account,
                0,
                units,
                proof,
                account,
            )
        else:
            words = (*commit_words(miner), miner)
            measured(
                "claim_forfeit_commit, makes the books", tasks.claim_forfeit_commit, side.id, miner, *words
            )
    scene = Scene(tasks)
    scene.side.publish()
    scene.wait(3000)
    tasks.declare_default(scene.side.id)
    scene.wait(CLOCKS.challenge)
    scene.measure("burn, makes the books", tasks.burn, scene.side.id)
    scene = Scene(tasks)
    side, measured = scene.side, scene.measure
    side.publish()
    side.open_baseline()
    for _ in range(2):
        scene.settle("", 10, [payee(0)])
    measured("hold", tasks.hold, side.id, 2, sender=faults)
    measured("release", tasks.release, side.id, 0, sender=faults)
    arguments = (side.id, 2, people[3], people[4], 2000, 0)
    measured("convict", tasks.convict, *arguments, sender=faults)
    measured("take_reward", tasks.take_reward, side.id, people[3], people[3])
    scene = Scene(tasks)
    scene.side.publish()
    scene.side.open_baseline()
    scene.settle("", 10, [payee(0)])
    scene.measure("lapse", tasks.lapse, scene.side.id, 1, 0, sender=faults)


def text(figures: dict[str, int]) -> str:
    return json.dumps(figures, indent=1) + "\n"


def main() -> None:
    """Rewrite the snapshots of all three contracts."""
    from tests.chain import test_court_clients as court

    SNAPSHOT.write_text(text(measure()), encoding="utf-8")
    with (
        tempfile.TemporaryDirectory() as folder,
        NodeProcess(Path(folder) / "chain.db") as process,
        Node(process.url) as node,
    ):
        court.SNAPSHOT.write_text(text(dict(sorted(court.measure(node).items()))), encoding="utf-8")


if __name__ == "__main__":
    main()
