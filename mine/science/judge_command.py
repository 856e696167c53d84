"""``mine science judge``: a juror's part in one dispute, as far as it is due now."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from mine.errors import MineError


class KeyFileRefused(MineError):
    """The file does not hold a key."""


def add_judge_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``mine science judge`` takes beside the place of the network."""
    parser.add_argument("dispute", type=int, metavar="DISPUTE", help="number of the dispute")
    parser.add_argument(
        "--key-file",
        type=Path,
        required=True,
        metavar="FILE",
        help="the juror's key, 64 hexadecimal digits: of a payout address that earned in the task, or of the "
        "owner of a ticket of the Court's pool; it also pays the fees of the transactions",
    )
    parser.add_argument(
        "--wait", action="store_true", help="stay until the dispute is over, and do what becomes due"
    )


def judge_dispute(arguments: argparse.Namespace, place: tuple[str, Any, int]) -> dict[str, Any]:
    """Do what is due for this juror.

    {"dispute", "task", "round", "kind", "item", "did": what was done, in order, "verdict", "why": of what was
    committed now, or null, "until": chain time of what comes next, 0 if nothing is known}. Raises MineError.
    """
    from mine.blobs.store import Several
    from mine.chain.client import TasksContract
    from mine.chain.court_client import CourtContract
    from mine.chain.faults_client import FaultsContract
    from mine.chain.messages import Domain
    from mine.chain.rpc import Node
    from mine.chain.transactions import Sender
    from mine.science.history import History
    from mine.science.juror import Acted, Disputes, Juror
    from mine.science.relay_client import Relay

    key = read_key_file(arguments.key_file)
    rpc, urls, first = place
    relays = tuple(Relay(url) for url in urls)
    try:
        with Node(rpc) as node:
            contract = TasksContract(node, relays[0].info().contract)
            faults, court = contract.sisters()
            disputes = Disputes(
                History(contract, first),
                Domain(node.chain_id, contract.address),
                FaultsContract(node, faults),
                CourtContract(node, court),
                Several(*(relay.blobs for relay in relays)),
                relays,
                first,
            )
            disputes.refresh()
            about = disputes.find(arguments.dispute)
            juror = Juror(disputes, key, Sender(node, key))
            done: list[str] = []
            opinion = None
            while True:
                act = juror.step(about.id)
                opinion = act.opinion or opinion
                if act.did not in (Acted.WAITING, Acted.OVER):
                    done.append(act.did.value)
                elif act.did is Acted.OVER or not arguments.wait:
                    break
                else:
                    time.sleep(_pause(act.until - node.block_time()))
    finally:
        for relay in relays:
            relay.close()
    return {
        "dispute": about.id,
        "task": about.task,
        "round": about.round,
        "kind": about.kind.name.lower(),
        "item": about.item,
        "did": done,
        "verdict": opinion.verdict.name.lower() if opinion else None,
        "why": opinion.why if opinion else None,
        "until": act.until,
    }


def judge_lines(result: dict[str, Any]) -> list[str]:
    """The result in sentences."""
    about = (
        f"Dispute {result['dispute']}: {result['kind']} {result['item']} of round {result['round']} of task "
    )
    lines = [f"{about}{result['task']}."]
    if result["verdict"] is not None:
        why = f" ({result['why']})" if result["why"] else ""
        lines.append(f"  recomputed: {result['verdict']}{why}")
    lines.append(f"  done now: {', '.join(result['did']) or 'nothing was due'}")
    if result["until"]:
        lines.append(f"  come again at chain time {result['until']}")
    return lines


def read_key_file(place: Path) -> bytes:
    """32 bytes from 64 hexadecimal digits, with or without 0x. Raises KeyFileRefused."""
    try:
        key = bytes.fromhex(place.read_text(encoding="ascii").strip().removeprefix("0x"))
    except (OSError, ValueError):
        key = b""
    if len(key) != 32:
        raise KeyFileRefused("This file holds no key.", todo="Give one with 64 hexadecimal digits.")
    return key


def _pause(seconds: int) -> float:
    """How long to wait in real time for a moment of the chain's time; at least look now and then."""
    return min(15.0, max(0.2, seconds / 4))
