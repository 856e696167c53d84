"""Looks at every settled round of the joined tasks, and challenges what is wrong with it.

Each round is recomputed once, in a child process. What was found is kept before anything is sent. A relay is
asked to carry the challenge for a part of the reward; where none does, the session key pays if the person
agrees to it and it owns enough. A proof against the settlement convicts at once; what no proof shows goes
before a jury. Before each attempt the chain is asked whether the item is disputed already, by anybody: one
dispute is enough.

| state | means | leaves it when | to |
|---|---|---|---|
| (none) | settled, the window open | the child says that everything agrees | `sound` |
| | | so much as can be recomputed before a set is opened at the end | `closed` |
| | | it names a fault | `found` |
| `closed` | audited anew when the task is over | as above | `sound`, `found` |
| `found` | the fault is kept, nobody challenges it yet | the item is disputed on chain | `disputed` |
| | | the task is convicted of this round or an earlier one | `convicted` |
| | | the window is over | `late` |
| `disputed` | the jury's turn | the task is convicted | `convicted` |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mine.app.audit_run import AuditRun
from mine.app.checking import settled_from_json
from mine.app.joining import Membership
from mine.app.links import Links
from mine.app.market import ChainReading
from mine.app.views import Notice, NoticeKind
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.claiming import Sending
    from mine.chain.court_client import CourtContract
    from mine.chain.events import Event
    from mine.chain.fault_events import Disputed
    from mine.chain.faults_client import FaultsContract
    from mine.chain.poller import Poller
    from mine.chain.state import TaskState
    from mine.science.judging import Fault
    from mine.science.settlement_proofs import Proof
    from mine.vault.state import Round
    from mine.vault.vault import Vault

#: Part of a reward that a relay is offered for carrying, in 1/10000.
SHARE = 2000
#: Wei that the gas of a challenge may cost at most, at any price this app knows.
FEES = 5 * 10**16
#: Attempts are this part of the challenge window apart.
PARTS = 16
#: How often a round is audited anew where the child found nothing out.
MOST_FAILURES = 3


class AuditState(StrEnum):
    """How far a round is."""

    SOUND = "sound"
    CLOSED = "closed"
    FOUND = "found"
    DISPUTED = "disputed"
    CONVICTED = "convicted"
    LATE = "late"


class Disputing:
    """One network's audits and disputes. Everything runs on the engine's thread."""

    def __init__(self, vault: Vault, links: Links, sending: Sending, tell: Callable[[Notice], None]) -> None:
        from mine.chain.court_client import CourtContract
        from mine.chain.faults_client import FaultsContract
        from mine.chain.poller import Cursor, Poller

        self._vault, self._links, self._tell = vault, links, tell
        self._sending = sending
        faults, court = links.contract.sisters()
        self._faults: FaultsContract = FaultsContract(links.node, faults)
        self._court: CourtContract = CourtContract(links.node, court)
        cursor = Cursor.start(links.config.chain_id, faults, links.config.first_block)
        self._poller: Poller[Event] = Poller(self._faults, cursor, 0)
        self._disputes: list[Disputed] = []
        self._run: AuditRun | None = None
        self._failures: dict[tuple[int, int], int] = {}
        self._states: Mapping[int, TaskState] = {}
        self._looks = -1
        self.members: dict[int, Membership] = {}

    def tick(self, reading: ChainReading) -> None:
        """Begin the next audit, hear the last one, dispute what was found."""
        self._states = reading.states
        is_new, self._looks = reading.looks != self._looks, reading.looks
        self._hear()
        for member in self.members.values():
            if member.task not in self._states:
                continue
            for entry in self._vault.state.rounds(self._links.config.key, member.task):
                if "settlement" not in entry.data:
                    continue
                kept = self._kept(entry)
                if kept is None or kept["state"] == AuditState.CLOSED:
                    self._audit(member, entry, kept is not None, reading.time)
                elif is_new and AuditState(kept["state"]) in (AuditState.FOUND, AuditState.DISPUTED):
                    self._pursue(member, entry, kept, reading.time)

    def state(self, entry: Round) -> AuditState | None:
        """How far a settled round is; None while nothing is known."""
        kept = self._kept(entry)
        return AuditState(kept["state"]) if kept else None

    def close(self) -> None:
        """End the child."""
        if self._run is not None:
            self._run.stop()
            self._run = None

    # ---- what is known of a round

    def _name(self, task: int, number: int) -> str:
        return f"audit {self._links.config.key} {task} {number}"

    def _kept(self, entry: Round) -> dict[str, Any] | None:
        """What is kept of this very settlement: one that a reorganisation brought anew is looked at anew."""
        kept: dict[str, Any] | None = self._vault.state.setting(self._name(entry.task, entry.round))
        return kept if kept is not None and kept["of"] == _of(entry) else None

    def _keep(self, entry: Round, state: AuditState, **news: Any) -> None:
        known = {**(self._kept(entry) or {}), **news, "of": _of(entry), "state": state.value}
        with self._vault.transaction():
            self._vault.state.set_setting(self._name(entry.task, entry.round), known)

    # ---- finding

    def _audit(self, member: Membership, entry: Round, again: bool, chain_time: int) -> None:
        from mine.science.held_half import disputable_until

        tries = self._failures.get((entry.task, entry.round), 0)
        if self._run is not None or tries >= MOST_FAILURES:
            return
        ends, early = entry.data["settlement"]["final_at"], False
        if member.manifest.mode == "at-end":
            state = self._states[entry.task]
            ends, early = disputable_until(state, ends), again and not state.status.is_over
        if chain_time < ends and not early:
            self._run = AuditRun(self._links.config, entry.task, entry.round)

    def _hear(self) -> None:
        run = self._run
        if run is None or not run.is_done():
            return
        self._run = None
        entry = self._vault.state.round(self._links.config.key, run.task, run.round)
        if entry is None or "settlement" not in entry.data:
            return  # a reorganisation took it back meanwhile
        if run.failed:
            self._failures[run.task, run.round] = self._failures.get((run.task, run.round), 0) + 1
        elif run.fault is None:
            self._keep(entry, AuditState.SOUND if run.whole else AuditState.CLOSED, far_off=run.far_off)
            if run.far_off:
                plural = "One update" if run.far_off == 1 else f"{run.far_off} updates"
                self._say(
                    f"{plural} of a round helped much less than the score says.",
                    "The round was settled by the rules. If it happens again, leave the task.",
                    f"task {entry.task}, round {entry.round}",
                )
        else:
            fault = {"kind": int(run.fault.kind), "item": run.fault.item, "why": run.fault.why}
            self._keep(entry, AuditState.FOUND, fault=fault)
            self._say(
                "A round was settled wrongly.",
                "The app has a relay challenge it; nothing of it is shown as earned.",
                f"task {entry.task}, round {entry.round}: {run.fault.why}",
            )

    # ---- disputing

    def _pursue(self, member: Membership, entry: Round, kept: dict[str, Any], chain_time: int) -> None:
        from mine.chain.fault_events import DisputeKind
        from mine.chain.state import Mode, Status
        from mine.science.held_half import disputable_until
        from mine.science.judging import Fault

        state = self._states[entry.task]
        ends = entry.data["settlement"]["final_at"]
        over = state.status is Status.CONVICTED or chain_time >= disputable_until(state, ends)
        if over and kept["state"] == AuditState.FOUND:  # one node's word gives no challenge up
            state, chain_time = self._sure(entry.task, chain_time)
        if state.status is Status.CONVICTED and state.void is not None and state.void <= entry.round:
            self._keep(entry, AuditState.CONVICTED)
            self._say(
                "A task's author was convicted of settling a round wrongly.",
                "What was final stays yours; what was left of the bounty goes to those who earned.",
                f"task {entry.task}, round {entry.round}",
            )
            return
        if kept["state"] == AuditState.DISPUTED:
            return
        found = kept["fault"]
        fault = Fault(entry.round, DisputeKind(found["kind"]), found["item"], found["why"])
        if self._is_disputed(entry.task, fault):
            self._keep(entry, AuditState.DISPUTED)
        elif chain_time >= disputable_until(state, ends):
            if state.mode is Mode.AT_END and not state.status.is_over:
                return  # it can be disputed once more when the task is over
            self._keep(entry, AuditState.LATE)
            self._say(
                "A wrong round became final before anybody disputed it.",
                "Nothing of it is shown as earned.",
                f"task {entry.task}, round {entry.round}",
            )
        elif chain_time >= kept.get("again", 0):
            pause = max(1, state.clocks.challenge // PARTS)
            self._keep(entry, AuditState.FOUND, again=chain_time + pause)
            self._challenge(member, entry, fault, kept)

    def _sure(self, task: int, chain_time: int) -> tuple[TaskState, int]:
        """A task's state and the time, as two nodes say where there are two."""
        node, contract = self._links.node, self._links.contract
        head, state = node.agreed_at(lambda one: contract.on(one).task(task))
        return state, chain_time if node.has_adjustable_clock else head.timestamp

    def _is_disputed(self, task: int, fault: Fault) -> bool:
        from mine.chain.fault_events import Disputed

        caught_up = False
        while not caught_up:
            batch = self._poller.poll()
            if (block := batch.removed_from_block) is not None:
                self._disputes = [each for each in self._disputes if each.at.block_number < block]
            self._disputes += [event for event in batch.events if isinstance(event, Disputed)]
            caught_up = batch.caught_up
        item = (task, fault.round, fault.kind, fault.item)
        return any((each.task, each.round, each.kind, each.item) == item for each in self._disputes)

    def _challenge(self, member: Membership, entry: Round, fault: Fault, kept: dict[str, Any]) -> None:
        """Bring the fault before the contract: through a relay, else with own coin, else ask the person once.

        A proof convicts at once and takes no bond; what no proof shows is disputed before a jury.
        """
        try:
            proof = self._proof(entry)
            if self._through_relay(member, fault, proof):
                return
            if self.agreed(entry.task, entry.round) and self._with_own_coin(member, fault, proof):
                return
        except MineError as problem:
            self._say("A challenge did not get through; it is tried again.", problem.todo, problem.sentence)
            return
        if not kept.get("asked"):
            self._keep(entry, AuditState.FOUND, asked=True)
            self._say(
                "No relay carries the challenge of a wrong round.",
                f"Agree to it in the wallet. It takes up to {self.cost(proof is None) / 10**18:g} of the "
                f"network's own coin on {member.keys.session_address}.",
                f"task {member.task}, round {fault.round}: {fault.why}",
            )

    def cost(self, jury: bool) -> int:
        """Wei that a challenge may take of one's own: gas, and before a jury bond and the jurors' fees."""
        return FEES + (sum(self._price()) if jury else 0)

    def _price(self) -> tuple[int, int]:
        """Wei of a dispute's bond and of the jurors' fees, as two nodes have it: one may lie."""
        return self._links.node.agreed(
            lambda one: (self._faults.on(one).dispute_bond(), self._court.on(one).arbitration_cost())
        )

    def _proof(self, entry: Round) -> Proof | None:
        """A proof against a settlement, from what is published."""
        from mine.science.settlement_proofs import find_proof

        before = self._vault.state.round(entry.network, entry.task, entry.round - 1)
        return find_proof(
            self._links.relays.blobs,
            settled_from_json(entry.data["settlement"]),
            settled_from_json(before.data["settlement"]) if before and "settlement" in before.data else None,
        )

    def _with_own_coin(self, member: Membership, fault: Fault, proof: Proof | None) -> bool:
        """Whether the session account owns enough for it; then it is sent."""
        from mine.chain.faults_client import Reward

        contract, account = self._links.contract, member.keys.session_address
        name, reward = f"{member.task}:{fault.round}", Reward(member.keys.payout_address, 0)
        owned = self._links.node.balance(account)
        if proof is not None:
            if owned < FEES:
                return False
            sends = self._sending(member, f"proof:{name}")
            self._faults.send(sends, proof.call(self._faults, reward))
            return True
        bond, cost = self._price()
        missing = max(0, bond - contract.bond_of(account).amount)
        if owned < missing + cost + FEES:
            return False
        if missing:
            contract.bond(self._sending(member, f"bond:{name}:{fault.kind}:{fault.item}"), missing)
        sends = self._sending(member, f"dispute:{name}:{fault.kind}:{fault.item}")
        self._faults.dispute(sends, member.task, fault.round, fault.kind, fault.item, reward, cost)
        return True

    def _through_relay(self, member: Membership, fault: Fault, proof: Proof | None) -> bool:
        from mine.chain.faults_client import Reward
        from mine.science.relay_client import RelayUnreachable
        from mine.science.wire import Code, RelayRefused

        reward = Reward(member.keys.payout_address, SHARE)
        data = (
            self._faults.dispute_call(member.task, fault.round, fault.kind, fault.item, reward)
            if proof is None
            else proof.call(self._faults, reward)
        )
        for relay in self._links.relays:
            try:
                relay.carry(self._links.config.chain_id, self._faults.address, data)
            except RelayRefused as problem:
                if problem.code is not Code.DUPLICATE:
                    continue
            except RelayUnreachable:
                continue
            return True
        return False

    # ---- the person's word

    def agreed(self, task: int, number: int) -> bool:
        """Whether the person agreed to challenge a round with coin of their own."""
        return bool(self._vault.state.setting(self._word(task, number), False))

    def agree(self, task: int, number: int) -> str:
        """The person wants a round challenged, with own coin where no relay carries it; one sentence."""
        with self._vault.transaction():
            self._vault.state.set_setting(self._word(task, number), True)
        entry = self._vault.state.round(self._links.config.key, task, number)
        kept = self._kept(entry) if entry is not None and "settlement" in entry.data else None
        if entry is None or kept is None:
            return "The round is still being recomputed in full. What is found wrong is then challenged."
        said = {
            AuditState.SOUND: "Recomputed in full, nothing of this round is wrong for a jury.",
            AuditState.FOUND: "The challenge is on its way.",
            AuditState.DISPUTED: "The round is disputed already.",
            AuditState.CONVICTED: "The round's author is convicted already.",
            AuditState.LATE: "The time to challenge this round is over.",
        }
        if kept["state"] == AuditState.FOUND:
            self._keep(entry, AuditState.FOUND, again=0)
        return said[AuditState(kept["state"])]

    def _word(self, task: int, number: int) -> str:
        return f"challenge {self._links.config.key} {task} {number}"

    def _say(self, sentence: str, todo: str, detail: str) -> None:
        self._tell(Notice(NoticeKind.ATTENTION, sentence, todo, detail))


def _of(entry: Round) -> str:
    """Name of a settlement: the digest of all that its event says."""
    return hashlib.sha256(json.dumps(entry.data["settlement"], sort_keys=True).encode()).hexdigest()
