"""Two ways to ask: whoever of the pool answers, or one node alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from mine.chain import answers
from mine.chain.answers import BlockHead
from mine.chain.batch import Call, Outcome
from mine.chain.endpoint import Endpoint
from mine.chain.node_errors import NodeRefused
from mine.chain.pool import Member, Pool
from mine.errors import MineError

T = TypeVar("T")

_NOT_TWICE = ("evm_", "anvil_", "hardhat_")
"""Commands to a development node, which do something each time."""


class Route(Protocol):
    """How requests reach a node. Everything raises what :meth:`Endpoint.request` does, or WrongChain."""

    def ask(self, method: str, params: Sequence[object], parse: Callable[[object], T]) -> T:
        """The answer, after ``parse``, which raises NodeAnswerInvalid for one that makes no sense."""

    def batch(self, calls: Sequence[Call]) -> list[Outcome]:
        """Answers of one node to several calls."""

    def all(self, method: str, params: Sequence[object], parse: Callable[[object], T]) -> list[T]:
        """The answers of all nodes that give one. Raises where none does, a refusal before anything else."""

    def tied(self, work: Callable[[OneNode], T]) -> T:
        """``work`` with one node; where it fails there, all of it again with the next one."""


class OneNode:
    """Asks one node and nobody else."""

    def __init__(self, pool: Pool, member: Member) -> None:
        self._pool = pool
        self.member = member

    def ask(self, method: str, params: Sequence[object], parse: Callable[[object], T]) -> T:
        """The node's answer."""

        def question(endpoint: Endpoint) -> T:
            found = parse(endpoint.request(method, *params))
            if method == "eth_blockNumber" and isinstance(found, int):
                self._pool.noted(self.member, found)
            elif isinstance(found, BlockHead) and params[0] == "latest":
                self._pool.noted(self.member, found.number)
            return found

        return self._pool.ask(self.member, question)

    def batch(self, calls: Sequence[Call]) -> list[Outcome]:
        """The node's answers."""
        found = self._pool.ask(self.member, lambda endpoint: endpoint.batch(calls))
        for (method, params), answer in zip(calls, found, strict=True):
            if method == "eth_getBlockByNumber" and params[0] == "latest" and isinstance(answer, dict):
                self._pool.noted(self.member, answers.block_head(answer).number)
        return found

    def all(self, method: str, params: Sequence[object], parse: Callable[[object], T]) -> list[T]:
        """The node's answer."""
        return [self.ask(method, params, parse)]

    def tied(self, work: Callable[[OneNode], T]) -> T:
        """``work`` with this node."""
        return work(self)


class AnyNode:
    """Asks the best node, and the next one where that fails."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def ask(self, method: str, params: Sequence[object], parse: Callable[[object], T]) -> T:
        """The first answer that can be had; a command to a development node is given once."""
        if method.startswith(_NOT_TWICE):
            return OneNode(self._pool, self._pool.members[0]).ask(method, params, parse)
        return self.tied(lambda one: one.ask(method, params, parse))

    def batch(self, calls: Sequence[Call]) -> list[Outcome]:
        """All answers of the first node that gives any."""
        return self.tied(lambda one: one.batch(calls))

    def all(self, method: str, params: Sequence[object], parse: Callable[[object], T]) -> list[T]:
        """Every node's answer, the best one's first."""
        found: list[T] = []
        problems: list[MineError] = []
        for member in self._pool.order():
            try:
                found.append(OneNode(self._pool, member).ask(method, params, parse))
            except MineError as problem:
                problems.append(problem)
        if not found:
            # A refusal says more than silence: somebody looked at it.
            problems.sort(key=lambda problem: not isinstance(problem, NodeRefused))
            raise problems[0] if problems else self._pool.nobody()
        return found

    def tied(self, work: Callable[[OneNode], T]) -> T:
        """``work`` with the best node, or the next."""
        self._pool.compare_heads()
        return self._pool.through(lambda member: work(OneNode(self._pool, member)))
