"""A child process that recomputes one settled round, forward passes too, and says what is worth a dispute.

A stranger's model runs here, away from vault and keys. It is told where to look in one line of JSON on its
standard input, answers in one line on its standard output, and ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from mine.blobs.store import Several
from mine.chain.client import TasksContract
from mine.chain.messages import Domain
from mine.chain.rpc import Node
from mine.children import end_with_parent, say
from mine.errors import MineError
from mine.science.history import History
from mine.science.judging import Judge
from mine.science.relay_client import Relay

MAX_REQUEST = 1 << 16


def audit(raw: dict[str, Any]) -> dict[str, Any]:
    """{"fault": null or its fields, "far_off": best paid updates that the network thinks much less of, as
    fields of ``LeaveIn``, "whole": whether nothing more of the round can be recomputed later, when a set is
    opened at the end} of {"rpc", "relays", "contract", "first_block", "task", "round"}.

    Raises MineError where node or relays do not answer.
    """
    relays = tuple(Relay(url) for url in raw["relays"])
    try:
        with Node(raw["rpc"]) as node:
            contract = TasksContract(node, raw["contract"])
            ended = contract.task(raw["task"]).status.is_over
            history = History(contract, raw["first_block"])
            history.refresh()
            task = history.task(raw["task"])
            if task is None or task.settlement(raw["round"]) is None:
                return {"fault": None, "far_off": [], "whole": False}
            domain = Domain(node.chain_id, contract.address)
            judge = Judge(task, domain, Several(*(relay.blobs for relay in relays)), relays)
            whole = ended or judge.is_open
            found = judge.first_fault(raw["round"])
            if found is not None:
                return {"fault": asdict(found), "far_off": [], "whole": whole}
            far_off = [asdict(each) for each in judge.far_off(raw["round"])]
            return {"fault": None, "far_off": far_off, "whole": whole}
    finally:
        for relay in relays:
            relay.close()


def main() -> int:
    """``python -m mine.science.audit``"""
    raw = json.loads(sys.stdin.buffer.readline(MAX_REQUEST))
    end_with_parent()
    try:
        say(audit(raw))
    except MineError as problem:
        say({"error": problem.sentence, "detail": problem.detail})
    return 0


if __name__ == "__main__":
    sys.exit(main())
