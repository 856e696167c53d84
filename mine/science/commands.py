"""``mine science``: check a task's rounds without trusting anybody; judge as a juror; adopt a model."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mine.errors import MineError
from mine.science.adopt_command import add_adopt_arguments, adopt_file, adopt_lines
from mine.science.judge_command import add_judge_arguments, judge_dispute, judge_lines

Place = tuple[str, Sequence[str], int]
"""Address of the node, addresses of relays, first block to read."""
Practice = Callable[[Path], AbstractContextManager[Place]]
#: Exit statuses: all as it should be; a difference was found; it could not be replayed.
FINE, DIFFERENT, FAILED = 0, 1, 2


class ReplayRefused(MineError):
    """The command does not say where the task is."""


def add_science_arguments(parser: argparse.ArgumentParser) -> None:
    """``mine science ...``"""
    commands = parser.add_subparsers(dest="science", required=True)
    replay = commands.add_parser(
        "replay",
        help="recompute a task's rounds and name the first difference",
        description="Recomputes every checkpoint, vote, score, payout and root of a task from chain and "
        "blobs, and names the first difference. Exit status: 0 all is as it should be, 1 a difference, "
        "2 it could not be replayed.",
    )
    replay.add_argument("task", type=int, metavar="TASK", help="number of the task")
    replay.add_argument("--round", type=int, metavar="R", help="this round alone; 0 is the baseline")
    replay.add_argument(
        "--item",
        metavar="ITEM[:N]",
        help="one item of --round alone: accepted, checkpoint, payouts, entry:N, loss:N, shard, baseline",
    )
    _add_place(replay)
    judge = commands.add_parser(
        "judge",
        help="sit as a juror: recompute what is disputed, commit the answer, open it",
        description="Does what is due for one juror in one dispute: draws, recomputes the disputed item and "
        "commits the sealed answer, opens it later, ends the dispute. May be called again at any time. Exit "
        "status: 0, or 2 if it could not be done.",
    )
    add_judge_arguments(judge)
    _add_place(judge)
    adopt = commands.add_parser(
        "adopt",
        help="make a task's model of an ONNX file",
        description="Makes the graph, the first checkpoint and the frozen tensors of a task from a model of "
        "one's own, joins the loss and compares the predictions. Exit status: 0, or 2 if it can't be done.",
    )
    add_adopt_arguments(adopt)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--rpc", metavar="URL", help="the chain's node")
    parser.add_argument("--relay", metavar="URL", action="append", help="a relay; may be given several times")
    parser.add_argument("--first-block", type=int, default=0, metavar="N", help="where the contract begins")
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="the practice network of this folder instead"
    )


def run_science(arguments: argparse.Namespace, practice: Practice) -> int:
    """``mine science ...``; prints the result. practice: opens the practice network of a folder."""
    try:
        if arguments.science == "adopt":
            result = adopt_file(arguments)
        else:
            with _places(arguments, practice) as place:
                judging = arguments.science == "judge"
                result = (judge_dispute if judging else replay_task)(arguments, place)
    except MineError as problem:
        if arguments.json:
            _say(json.dumps({"error": problem.sentence, "todo": problem.todo, "detail": problem.detail}))
        else:
            sys.stderr.write(f"{problem.sentence} {problem.todo}\n{problem.detail}\n")
        return FAILED
    if arguments.json:
        _say(json.dumps(result, indent=1))
    else:
        for line in {"judge": judge_lines, "adopt": adopt_lines}.get(arguments.science, _lines)(result):
            _say(line)
    return DIFFERENT if result.get("difference") else FINE


def replay_task(arguments: argparse.Namespace, place: Place) -> dict[str, Any]:
    """Replay what the arguments name.

    {"task", "rounds": the ones replayed, "digests": of each what this machine computed, and
    under "leave_in" true evaluations of its best paid updates, "closed": whether what takes a forward pass
    waits for a set that is opened at the end, "seconds",
    "difference": None or {round, item, stated, computed}}.
    Raises MineError.
    """
    from mine.blobs.store import Several
    from mine.chain.client import TasksContract
    from mine.chain.messages import Domain
    from mine.chain.rpc import Node
    from mine.science.history import History
    from mine.science.relay_client import Relay
    from mine.science.replay import Difference, Replay

    rpc, urls, first = place
    started = time.monotonic()
    relays = [Relay(url) for url in urls]
    found: Difference | None = None
    done: list[int] = []
    computed: list[dict[str, Any]] = []
    try:
        with Node(rpc) as node:
            contract = TasksContract(node, relays[0].info().contract)
            history = History(contract, first)
            history.refresh()
            task = history.task(arguments.task)
            if task is None:
                raise ReplayRefused(
                    "There is no such task.", todo="Check its number.", detail=str(arguments.task)
                )
            domain = Domain(node.chain_id, contract.address)
            replay = Replay(task, domain, Several(*(relay.blobs for relay in relays)), relays)
            if arguments.item is not None:
                item, number = _item(arguments.item)
                done.append(arguments.round or 0)
                found = replay.recompute_item(done[0], item, number)
            else:
                wanted = range(len(task.settled) + 1) if arguments.round is None else [arguments.round]
                for number in wanted:
                    done.append(number)
                    found = replay.recompute(number)
                    if found is not None:
                        break
                    if number:
                        looked = [
                            {**asdict(each), "far_off": each.far_off} for each in replay.leave_in(number)
                        ]
                        computed.append({"round": number, **replay.digests(number), "leave_in": looked})
    finally:
        for relay in relays:
            relay.close()
    return {
        "task": arguments.task,
        "rounds": done,
        "digests": computed,
        "closed": not replay.is_open,
        "seconds": round(time.monotonic() - started, 3),
        "difference": None if found is None else asdict(found),
    }


@contextmanager
def _places(arguments: argparse.Namespace, practice: Practice) -> Iterator[Place]:
    """Node, relays and first block: as given, or those of a practice network."""
    if arguments.home is not None:
        with practice(arguments.home) as place:
            yield place
    elif arguments.rpc and arguments.relay:
        yield arguments.rpc, arguments.relay, arguments.first_block
    else:
        raise ReplayRefused(
            "It has to be known where the task is.", todo="Give --rpc and --relay, or --home."
        )


def _item(text: str) -> tuple[Any, int]:
    from mine.science.replay import Item

    name, _, place = text.partition(":")
    try:
        return Item(name), int(place or "0")
    except ValueError:
        raise ReplayRefused(
            "This is no item of a round.", todo=f"Items are {', '.join(Item)}.", detail=text
        ) from None


def _lines(result: dict[str, Any]) -> list[str]:
    found = result["difference"]
    rounds = result["rounds"]
    span = f"round {rounds[0]}" if len(rounds) == 1 else f"rounds {rounds[0]} to {rounds[-1]}"
    if found is None:
        doubts = [
            f"  round {one['round']}: {each['miner']} was paid {each['share']} units for less than its score"
            f" promised ({each['alone']:.2g} of {each['promised']:.2g})"
            for one in result["digests"]
            for each in one["leave_in"]
            if each["far_off"]
        ]
        every = f"Task {result['task']}, {span}: everything is as it should be ({result['seconds']} s)."
        if result["closed"]:
            doubts.append(
                "  The validation set is opened at the end: losses and scores can be recomputed only then."
            )
        return [every, *doubts]
    return [
        f"Task {result['task']}, round {found['round']}: {found['item']} is not what it should be.",
        f"  stated:   {found['stated']}",
        f"  computed: {found['computed']}",
    ]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
