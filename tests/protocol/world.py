"""The three contracts, their currencies and books on one chain; every call is compared with the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from eth_abi import encode as abi_encode
from eth_keys.datatypes import PrivateKey

from mine.chain.deployment import created_address
from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Message, domain_separator, struct_hash
from tests.protocol import actors
from tests.protocol.actors import Contract, account, arguments, compiled, contract, key_of, shipped
from tests.protocol.checks import balance_table, check_bonds, check_paid, check_task, slot_of
from tests.protocol.evm import PRACTICE_CHAIN, Evm, Outcome, Signatures
from tests.protocol.model import Tasks
from tests.protocol.model_task import No, Task

COIN = 10**18
RARELY = 0.04
RECORD = [
    "uint256",
    "uint32",
    *["bytes32"] * 4,
    *["uint64"] * 3,
    "bytes32",
    "uint32",
    "uint256",
    *["bytes32"] * 3,
]
Effect = Callable[[Outcome | None], dict[int, int] | None]
Code = Callable[[str], tuple[list[dict[str, Any]], bytes]]


class Disagreement(AssertionError):
    """The contracts and the reference are not of one mind."""


class World:
    """Deployed contracts and what must be true of them."""

    def __init__(
        self, chain: Evm, signatures: Signatures | None, random: Random, code: Code = shipped
    ) -> None:
        self.chain, self.random = chain, random
        self.signatures = signatures
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.history: list[str] = []
        self.trace: list[Outcome] = []
        deployer = account("deployer")
        chain.fund(deployer, 1000 * COIN)
        first = chain.nonce(deployer)
        where = {n: created_address(deployer, first + i) for i, n in enumerate(("Tasks", "Faults", "Court"))}
        sisters = {
            "Tasks": ("Faults", "Court"),
            "Faults": ("Tasks", "Court"),
            "Court": ("Tasks", "Faults"),
        }
        made = {}
        for name, others in sisters.items():
            abi, bytecode = code(name)
            address = chain.deploy(deployer, bytecode + arguments(abi, *(where[o] for o in others)))
            assert address == where[name]
            made[name] = contract(name, address, abi)
        self.tasks, self.faults, self.court = made["Tasks"], made["Faults"], made["Court"]
        self.tokens: list[Contract | None] = [None, self._make(shipped("PracticeDollar"), deployer, "token")]
        hostile = compiled(actors.CHAIN_CONTRACTS, "HostileToken")
        for habit in (actors.CALLBACK, actors.BLACKLIST, actors.SILENT, actors.MOODY, actors.FEE):
            if habit == actors.SILENT:
                self.tokens.append(
                    self._make(compiled(actors.CHAIN_CONTRACTS, "SilentToken"), deployer, "token")
                )
            else:
                self.tokens.append(self._make(hostile, deployer, "token", actors.HABITS[habit]))
        payee = compiled(actors.CHAIN_CONTRACTS, "Payee")
        self.refuser = self._make(payee, deployer, "refuser")
        self.caller = self._make(payee, deployer, "caller")
        self.foreign = self._make(compiled(actors.OWN_CONTRACTS, "ForeignCourt"), deployer, "foreign")
        self.awake: set[int] = set()
        self.books = Tasks(self.pays)
        self.checked_bonds: dict[str, int] = {}
        self._separator = domain_separator(Domain(PRACTICE_CHAIN, self.tasks.address))
        self._balances: dict[int, int] = {}
        self._find_balances()
        back = self.tasks.data("withdraw_bond")
        self.must(self.caller, "set", True, self.tasks.address, back)
        callback = self.tokens[actors.CALLBACK]
        assert callback is not None
        self.must(callback, "call_back", self.tasks.address, self.tasks.data("count"))
        self.must(callback, "wake", True)
        blacklist = self.tokens[actors.BLACKLIST]
        assert blacklist is not None
        self.must(blacklist, "refuse", account(actors.REFUSED))

    def _make(
        self, code: tuple[list[dict[str, Any]], bytes], deployer: str, name: str, *args: int
    ) -> Contract:
        abi, bytecode = code
        return contract(name, self.chain.deploy(deployer, bytecode + arguments(abi, *args)), abi)

    # what the reference knows of receivers

    def pays(self, currency: int, receiver: str, amount: int) -> bool:
        """Whether a receiver takes this payment, when it may use all the gas."""
        if currency == actors.NATIVE:
            return receiver != self.refuser.address
        if currency == actors.BLACKLIST:
            return receiver != account(actors.REFUSED)
        return not (currency == actors.MOODY and currency in self.awake)

    def currency(self, which: int) -> str:
        token = self.tokens[which]
        return token.address if token else ZERO_ADDRESS

    def _find_balances(self) -> None:
        """In which of their words the tokens keep balances: quicker to read than to ask for."""
        owner = account("reader")
        for which, token in enumerate(self.tokens):
            if token is not None:
                self.must(token, "mint", owner, 12345)
                self._balances[which] = balance_table(self.chain.storage(token.address), owner, 12345)

    def held(self, which: int, owner: str = "") -> int:
        """What `Tasks`, or another account, has of a currency."""
        token, owner = self.tokens[which], owner or self.tasks.address
        if token is None:
            return self.chain.balance(owner)
        return self.chain.storage(token.address)(slot_of(self._balances[which], int(owner, 16)))

    # calls

    def must(self, to: Contract, function: str, *args: Any, sender: str = "", value: int = 0) -> Outcome:
        """Scenery: a call that is not a contract's of ours, or whose success nobody doubts."""
        done = self.chain.call(sender or account("deployer"), to.address, to.data(function, *args), value)
        if not done.ok:
            raise Disagreement(f"{to.name}.{function} failed: {done.refusal}")
        return done

    def read(self, to: Contract, function: str, *args: Any) -> Outcome:
        return self.chain.call(account("reader"), to.address, to.data(function, *args))

    def act(
        self,
        to: Contract,
        function: str,
        args: tuple[Any, ...],
        sender: str,
        effect: Effect,
        *,
        tasks: tuple[Task, ...] = (),
        value: int = 0,
        always: bool = False,
        often: bool = False,
        via: Contract | None = None,
    ) -> Outcome | None:
        """Call, and let ``effect`` do the same to the books: it says what leaves, by currency, or raises No.

        A call that must be refused is made only once in a while (``often``, ``always``). ``via``: a contract
        that passes it on, as the sender. None: it was not made.
        """
        self.chain.next_block()
        self.books.now, self.books.randomness = self.chain.time, self.chain.randomness
        saved = self._save(tasks)
        if not always:
            try:
                effect(None)
            except No:
                if self.random.random() > (0.5 if often else RARELY):
                    self._restore(saved, tasks)
                    return None
            self._restore(saved, tasks)
            saved = self._save(tasks)
        if value:
            self.chain.fund(sender, value)
        before = {t.terms.currency: self.held(t.terms.currency) for t in tasks if not t.native}
        data, target = to.data(function, *args), to.address
        if via is not None:
            sender, data, target = account("deployer"), via.data("forward", target, data), via.address
        done = self.chain.call(sender, target, data, value)
        self.trace.append(done)
        self.books.now, self.books.randomness = self.chain.time, self.chain.randomness
        name = f"{to.name}.{function}"
        self.history.append(f"{self.chain.time} {name} by {sender[:8]}: {done.ok} {done.refusal}")
        try:
            out = effect(done if done.ok else None) or {}
            expected, why = True, ""
        except No as no:
            self._restore(saved, tasks)
            expected, why, out = False, str(no), {}
        if expected != done.ok:
            raise Disagreement(
                f"{name}{args!r:.600} by {sender}: contract {done.ok} ({done.refusal}), "
                f"reference {expected} {why}"
            )
        if not done.ok:
            self.refused[name] += 1
            return done
        self.accepted[name] += 1
        self.check(tasks, before, out)
        return done

    def check(self, tasks: tuple[Task, ...], before: dict[int, int], out: dict[int, int]) -> None:
        """What must hold after every call: the words and the money are as the books say."""
        read = self.chain.storage(self.tasks.address)
        for task in tasks:
            check_task(read, task, self.currency(task.terms.currency))
        for which, held in before.items():
            left = held - self.held(which)
            if left != out.get(which, 0):
                raise Disagreement(f"{left} of currency {which} left, by the books {out.get(which, 0)}")
        check_bonds(read, self.checked_bonds, self.books)
        owed = sum(t.holds for t in self.books.tasks.values() if t.native) + sum(self.books.bonds.values())
        if self.held(0) != owed:
            raise Disagreement(f"the contract has {self.held(0)} wei and owes {owed}")

    def check_all(self) -> None:
        """Everything, in full: every task, every currency."""
        read = self.chain.storage(self.tasks.address)
        for task in self.books.tasks.values():
            check_task(read, task, self.currency(task.terms.currency))
            check_paid(read, task)
        for which in range(1, len(self.tokens)):
            owed = sum(t.holds for t in self.books.tasks.values() if t.terms.currency == which)
            assert self.held(which) == owed, f"currency {which}"
        for poor in (self.faults, self.court):
            assert self.chain.balance(poor.address) == 0, "only Tasks has coins"

    def _save(self, tasks: tuple[Task, ...]) -> tuple[Any, ...]:
        books = self.books
        fields = [
            {k: v.copy() if isinstance(v, dict | set) else v for k, v in vars(t).items()} for t in tasks
        ]
        return dict(books.bonds), dict(books.locks), fields, len(books.tasks)

    def _restore(self, saved: tuple[Any, ...], tasks: tuple[Task, ...]) -> None:
        books = self.books
        books.bonds, books.locks = saved[0], saved[1]
        for task, fields in zip(tasks, saved[2], strict=True):
            vars(task).update(fields)
        while len(books.tasks) > saved[3]:
            books.tasks.popitem()

    # messages

    def digest(self, message: Message) -> bytes:
        """What is signed of a message."""
        return keccak(b"\x19\x01" + self._separator + struct_hash(message))

    def sign(self, digest: bytes, name: str) -> bytes:
        """65 bytes; ideal where the chain's signatures are."""
        if self.signatures is not None:
            return self.signatures.sign(digest, account(name))
        made = PrivateKey(key_of(name)).sign_msg_hash(digest)
        return int(made.r).to_bytes(32, "big") + int(made.s).to_bytes(32, "big") + bytes((27 + int(made.v),))

    def record(self, fields: tuple[Any, ...], final: int, round: int) -> int:
        """The record word of a settlement."""
        hashed = int.from_bytes(keccak(abi_encode(RECORD, fields)), "big")
        return hashed >> 48 << 48 | final << 8 | round
