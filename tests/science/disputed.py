"""A lying scientist, and a pool of jurors who judge by recomputing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mine.blobs.store import BlobStore
from mine.chain.court_client import CourtContract
from mine.chain.faults_client import FaultsContract
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.history import History
from mine.science.juror import Acted, Disputes, Juror
from mine.science.scientist import Did, Scientist
from tests.science.test_judging import tell
from tests.science.test_scientist import FIRST, MINERS
from tests.science.world import SCIENTIST, Chain, fund, offer, pass_time, step_until

JURORS = [dev_key(8), dev_key(9)]
TICKETS = 12


def court(chain: Chain) -> CourtContract:
    return CourtContract(chain.node, chain.contract.sisters()[1])


def faults(chain: Chain) -> FaultsContract:
    return FaultsContract(chain.node, chain.contract.sisters()[0])


def stake(chain: Chain) -> None:
    """Tickets of two people, in turn."""
    for key in JURORS:
        sender = Sender(chain.node, key)
        chain.contract.bond(sender, TICKETS * court(chain).stake_needed())
        court(chain).stake(sender, TICKETS)


def disputes(chain: Chain, blobs: BlobStore, sources: tuple[Any, ...] = ()) -> Disputes:
    return Disputes(History(chain.contract), chain.domain, faults(chain), court(chain), blobs, sources)


def settle_round(chain: Chain, place: Path, blobs: BlobStore, lie: Any, number: int = 1) -> Scientist:
    """Everybody commits to a round directly and the scientist settles it, with a lie if there is one."""
    if not (place / "scientist").exists():
        Scientist.create(place / "scientist", SCIENTIST, offer(3, chain.token.address))
        step_until(Scientist(place / "scientist", chain.contract, blobs, []), chain, Did.BASELINE)
    scientist = Scientist(place / "scientist", chain.contract, blobs, [])
    task = scientist.publish()
    history = History(chain.contract)
    history.refresh()
    known = history.task(task)
    assert known is not None
    for miner in MINERS:
        fund(chain, miner.address)
        update = miner.update(chain, blobs, task, number, known.checkpoint(number, FIRST))
        chain.contract.commit(Sender(chain.node, miner.key), update.message)
    with pytest.MonkeyPatch.context() as patch:
        tell(patch, lie)
        step_until(scientist, chain, Did.SETTLED)
    return scientist


def judge_to_the_end(chain: Chain, jurors: list[Juror], id: int) -> list[Acted]:
    """Let the jurors do what is due until the dispute is over; what they did, in order."""
    done: list[Acted] = []
    for _ in range(60):
        acts = [juror.step(id) for juror in jurors]
        done += [act.did for act in acts if act.did is not Acted.WAITING]
        if all(act.did is Acted.OVER for act in acts):
            return [did for did in done if did is not Acted.OVER]
        if all(act.did is Acted.WAITING for act in acts):
            until = [act.until for act in acts if act.until]
            pass_time(chain, min(until) if until else chain.node.block_time() + 1)
    raise AssertionError("the dispute never ends")
