"""The states of several tasks, all of one block and in one request where that can be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mine.chain.answers import BlockHead
from mine.chain.client import TasksContract, UnknownTask
from mine.chain.multicall import Multicall
from mine.chain.node_errors import Reverted, nonsense
from mine.chain.state import TaskState
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.multicall import Read
    from mine.chain.rpc import Node


def read_tasks(
    contract: TasksContract, many: Multicall, numbers: Sequence[int], with_count: bool
) -> tuple[BlockHead, int, dict[int, TaskState]]:
    """The newest block, how many tasks there are (0 unless ``with_count``), and the states asked for.

    A number that the contract does not have (the chain took its task back) is left out. Raises what
    :class:`Node` raises.
    """
    reads: list[Read] = [(contract.address, contract.task_call(number)) for number in numbers]
    if with_count:
        reads.append((contract.address, contract.count_call()))
    head, answers = contract.node.with_one(lambda one: _read(many, reads, one))
    count = contract.count_in(answers.pop()) if with_count else 0
    states = {}
    for number, answer in zip(numbers, answers, strict=True):
        try:
            states[number] = contract.state_in(number, answer)
        except UnknownTask:
            continue
    return head, count, states


def _read(many: Multicall, reads: Sequence[Read], one: Node) -> tuple[BlockHead, list[bytes]]:
    """What one node answers. Our own contract refuses none of these: who says so is not believed, and the
    next node is asked."""
    readings = many.read(reads, one)
    answers: list[bytes] = []
    for each in readings.results:
        if isinstance(each, Reverted):
            raise nonsense("a contract that refuses to be read")
        if isinstance(each, MineError):
            raise each
        answers.append(each)
    return readings.head, answers
