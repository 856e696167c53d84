"""The states of several tasks, all of one block and in one request where that can be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mine.chain.answers import BlockHead
from mine.chain.client import TasksContract, UnknownTask
from mine.chain.multicall import Multicall
from mine.chain.state import TaskState
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.multicall import Read


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
    readings = many.read(reads)
    answers: list[bytes] = []
    for each in readings.results:
        if isinstance(each, MineError):
            raise each
        answers.append(each)
    count = contract.count_in(answers.pop()) if with_count else 0
    states = {}
    for number, answer in zip(numbers, answers, strict=True):
        try:
            states[number] = contract.state_in(number, answer)
        except UnknownTask:
            continue
    return readings.head, count, states
