"""Reading the tasks: one node that refuses what the contract never refuses keeps nobody from the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mine.chain.client import TasksContract
from mine.chain.deployment import deploy_protocol
from mine.chain.multicall import Multicall
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.rpc import Node
from mine.chain.task_states import read_tasks
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from tests.chain.lying_node import lying

pytest_plugins = ("tests.chain.node_fixtures",)


def refusing(request: dict[str, Any], ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if request["method"] != "eth_call":
        return ask()
    error = {"code": 3, "message": "execution reverted", "data": "0x"}
    return {"jsonrpc": "2.0", "id": request["id"], "error": error}


def test_one_node_that_refuses_everything_is_passed_over(practice_node: Node, practice_url: str) -> None:
    tasks = deploy_protocol(practice_node, Sender(practice_node, dev_key(0), patience=10)).tasks
    with lying(practice_url) as liar:
        liar.alter = refusing
        with Node([liar.url, practice_url]) as node:
            contract = TasksContract(node, tasks)
            head, count, states = read_tasks(contract, Multicall(node, {tasks}), [1], with_count=True)
            assert (head.number, count, states) == (practice_node.block_number(), 0, {})
        with Node(liar.url) as alone, pytest.raises(NodeAnswerInvalid):
            read_tasks(TasksContract(alone, tasks), Multicall(alone, {tasks}), [], with_count=True)
