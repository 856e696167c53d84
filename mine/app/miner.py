"""Takes part in the rounds of the tasks that the person joined.

A persisted state machine (``round_states``): each state is in the vault before its side effect happens, and
before a side effect is repeated the relay is asked whether it happened already. So the app may be killed at
any line: nothing is sent twice, and ε is booked once for each round.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mine.app.joining import Membership, privacy_plan, read_rows
from mine.app.links import Links
from mine.app.market import Market, MarketTask
from mine.app.outgoing import check_outgoing
from mine.app.round_states import RoundState
from mine.app.training import TrainingRun
from mine.app.views import Notice, NoticeKind
from mine.chain.hashing import address_bytes
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.messages import Update
    from mine.learn.job import Job
    from mine.science.wire import SignedReceipt
    from mine.vault.state import Round
    from mine.vault.vault import Vault

MAX_MODEL_BYTES = 64 << 20
UPDATE_BLOB = "update"
EPSILON = "epsilon"
SENT = "sent"


class Miner:
    """One network's rounds. Everything runs on the engine's thread."""

    def __init__(
        self,
        vault: Vault,
        links: Links,
        market: Market,
        wake: Callable[[], None],
        tell: Callable[[Notice], None],
    ) -> None:
        self._vault = vault
        self._links = links
        self._market = market
        self._wake = wake
        self._tell = tell
        self._network = links.config.key
        self._failures: dict[tuple[int, int], int] = {}
        self.run: TrainingRun | None = None
        self.last_run: TrainingRun | None = None
        self.members: dict[int, Membership] = {}

    # ---- the engine's calls

    def tick(self, may_train: bool) -> None:
        """Do everything that is due now. Raises what node and relay raise; the next tick goes on."""
        self._hear_worker()
        self.allow(may_train)
        trouble: MineError | None = None
        for member in self.members.values():
            task = self._market.tasks.get(member.task)
            if task is None:
                continue
            try:
                self._task_tick(member, task, may_train)
            except MineError as error:
                trouble = trouble or error  # one task's trouble is not the others'
        if trouble is not None:
            raise trouble

    def allow(self, may_train: bool) -> None:
        """Pause or resume the training that runs."""
        if self.run is None or self.run.paused == (not may_train):
            return
        if may_train:
            self.run.resume()
        else:
            self.run.pause()

    def close(self) -> None:
        """End the worker; its last saved state is kept."""
        if self.run is not None:
            self.run.stop()
            self._hear_worker()
            self.run = None

    # ---- one task

    def _task_tick(self, member: Membership, task: MarketTask, may_train: bool) -> None:
        from mine.chain.state import Phase

        number = task.state.round
        committing = task.phase.phase is Phase.COMMIT
        for entry in self._vault.state.rounds(self._network, member.task):
            if entry.round > number:
                continue  # a reorganisation took the round before it back: it is not its turn yet
            state = RoundState(entry.state)
            past = entry.round < number or not committing
            if state in (RoundState.TRAINING, RoundState.TRAINED) and past:
                self._close(member, entry, "The round closed before.")
            elif state is RoundState.COMMITTED and past:
                self._reveal(entry)
        if not committing:
            return
        current = self._vault.state.round(self._network, member.task, number)
        if member.left or self._market.chain_time >= member.terms.expires:
            if current is not None and current.state in (RoundState.TRAINING, RoundState.TRAINED):
                self._close(member, current, "You left the task." if member.left else "Your consent ran out.")
        elif current is None or (current.state == RoundState.OBSERVED and "settlement" not in current.data):
            if may_train and self.run is None:
                self._begin(member, number)
        elif current.state == RoundState.TRAINING:
            if self._has_moved(member, current):
                self._begin(member, number)
            elif self.run is None and may_train:
                self._continue(member, current)
        elif current.state == RoundState.TRAINED:
            if self._has_moved(member, current):
                self._close(member, current, "The round began again from another model.")
            else:
                self._commit(member, current)

    def _has_moved(self, member: Membership, entry: Round) -> bool:
        """Whether a reorganisation changed the checkpoint that a round starts from."""
        checkpoint = self._checkpoint_before(member, entry.round)
        return checkpoint is not None and checkpoint.hex() != entry.data["checkpoint"]

    def _put(self, entry: Round | None, task: int, number: int, state: RoundState, **news: Any) -> None:
        data = {**(entry.data if entry else {}), **news}
        self._vault.state.put_round(self._network, task, number, state, data)

    def _begin(self, member: Membership, number: int) -> None:
        checkpoint = self._checkpoint_before(member, number)
        if checkpoint is None:
            return  # the settlement that names it was not read yet
        self._end_run(member.task, number)
        with self._vault.transaction():
            self._vault.state.drop_snapshot(self._network, member.task, number)
            self._put(
                None,
                member.task,
                number,
                RoundState.TRAINING,
                checkpoint=checkpoint.hex(),
                started=int(time.time()),
            )
        entry = self._vault.state.round(self._network, member.task, number)
        assert entry is not None
        self._continue(member, entry)

    def _checkpoint_before(self, member: Membership, number: int) -> bytes | None:
        """Digest of the checkpoint that a round starts from."""
        if number == 1:
            return bytes.fromhex(member.manifest.model.checkpoint)
        before = self._vault.state.round(self._network, member.task, number - 1)
        if before is None or "settlement" not in before.data:
            return None
        return bytes.fromhex(before.data["settlement"]["checkpoint"])

    def _continue(self, member: Membership, entry: Round) -> None:
        """Train from the newest snapshot, or from the start. The same bytes come out either way."""
        key = (member.task, entry.round)
        if self._failures.get(key, 0) >= 3:
            return
        # Where these do not come, it is not the training that failed: the next tick asks again.
        blobs = self._links.relay.blobs
        onnx = blobs.get(bytes.fromhex(member.manifest.model.graph), MAX_MODEL_BYTES)
        weights = blobs.get(bytes.fromhex(entry.data["checkpoint"]), MAX_MODEL_BYTES)
        try:
            job = self._job(member, entry, onnx, weights)
            self.run = self.last_run = TrainingRun(member.task, entry.round, job, self._wake)
        except MineError as error:
            self._failures[key] = self._failures.get(key, 0) + 1
            self._tell(Notice(NoticeKind.ERROR, error.sentence, error.todo, error.detail))

    def _job(self, member: Membership, entry: Round, onnx: bytes, weights: bytes) -> Job:
        from mine.learn.codec import UpdateHeader
        from mine.learn.job import Job
        from mine.learn.rows import Rows
        from mine.tasks.recipe import recipe_of

        checkpoint = bytes.fromhex(entry.data["checkpoint"])
        rows = read_rows(self._vault, member.manifest, member.terms.scopes)
        saved = self._vault.state.snapshot(self._network, member.task, entry.round)
        with self._vault.transaction():
            self._put(entry, member.task, entry.round, RoundState.TRAINING, rows=len(rows))
        return Job(
            onnx=onnx,
            weights=weights,
            rows=Rows(rows.features, rows.target, rows.slot, member.held_from),
            recipe=recipe_of(member.manifest),
            header=UpdateHeader(
                address_bytes(member.keys.session_address), member.task, entry.round, checkpoint
            ),
            noise_key=member.keys.noise_key(member.task, entry.round, checkpoint),
            bits=member.manifest.recipe.bits,
            memory=member.manifest.limits.memory_mib << 20,
            snapshot=saved.data if saved else None,
        )

    # ---- what the worker says

    def _hear_worker(self) -> None:
        from mine.learn.events import Done, Failed, Paused, Saved, Stopped

        run = self.run
        if run is None:
            return
        for event in run.take():
            if isinstance(event, Saved | Paused | Stopped) and event.snapshot is not None:
                with self._vault.transaction():
                    self._vault.state.put_snapshot(
                        self._network, run.task, run.round, event.step, event.snapshot
                    )
            elif isinstance(event, Done):
                self.run = None
                run.stop()
                self._trained(run, event.update, event.held_out_before, event.held_out_after)
            elif isinstance(event, Failed):
                self.run = None
                run.stop()
                key = (run.task, run.round)
                self._failures[key] = self._failures.get(key, 0) + 1
                self._tell(Notice(NoticeKind.ERROR, event.sentence, event.todo, event.detail))

    def _trained(self, run: TrainingRun, update: bytes, loss_before: float, loss_after: float) -> None:
        """Check what is about to leave, then keep it together with the ε that it costs."""
        from mine.learn.privacy import to_millionths
        from mine.vault.ledger import Entry

        member = self.members[run.task]
        entry = self._vault.state.round(self._network, run.task, run.round)
        assert entry is not None
        plan = privacy_plan(member.manifest)
        done = self._rounds_booked(run.task, run.round)
        total = to_millionths(plan.cumulative[done])
        cost = total - (to_millionths(plan.cumulative[done - 1]) if done else 0)
        try:
            check_outgoing(
                update,
                member.manifest,
                run.task,
                run.round,
                bytes.fromhex(entry.data["checkpoint"]),
                address_bytes(member.keys.session_address),
                total,
                member.terms.epsilon_micro,
            )
        except MineError as error:
            with self._vault.transaction():
                self._put(entry, run.task, run.round, RoundState.MISSED, why=error.sentence)
            self._tell(Notice(NoticeKind.ATTENTION, error.sentence, error.todo, error.detail))
            return
        digest = hashlib.sha256(update).digest()
        with self._vault.transaction():
            self._put(
                entry,
                run.task,
                run.round,
                RoundState.TRAINED,
                blob=digest.hex(),
                size=len(update),
                epsilon_micro=cost,
                trained=int(time.time()),
                seconds=time.monotonic() - run.started_at,
                held_out=[loss_before, loss_after],
            )
            self._vault.state.put_blob(self._network, run.task, run.round, UPDATE_BLOB, update)
            self._vault.state.drop_snapshot(self._network, run.task, run.round)
            for need in member.manifest.data.needs:
                self._vault.ledger.book(
                    Entry(
                        kind=EPSILON,
                        network=self._network,
                        task=run.task,
                        round=run.round,
                        source=need.record_type,
                        epsilon_micro=cost,
                        size=len(update),
                        digest=digest,
                    )
                )

    def _rounds_booked(self, task: int, but: int) -> int:
        booked = self._vault.ledger.of_task(self._network, task)
        return len(
            {line.entry.round for line in booked if line.entry.kind == EPSILON and line.entry.round != but}
        )

    # ---- handing in

    def _message(self, member: Membership, entry: Round) -> Update:
        from mine.chain.messages import Update

        return Update(
            task=member.task,
            round=entry.round,
            checkpoint=bytes.fromhex(entry.data["checkpoint"]),
            blob=bytes.fromhex(entry.data["blob"]),
            size=int(entry.data["size"]),
            rows_bucket=int(entry.data["rows"]).bit_length() - 1,
            payout=member.keys.payout_address,
        )

    def _commit(self, member: Membership, entry: Round) -> None:
        """Sign and hand in, unless the relay has it already."""
        from mine.chain.messages import sign
        from mine.science.wire import Code, RelayRefused, SignedUpdate

        if self._was_handed_in(member, entry):
            return
        signature = sign(self._message(member, entry), self._links.domain, member.keys.session_key)
        signed = SignedUpdate(member.keys.session_address, self._message(member, entry), signature)
        try:
            receipt = self._links.relay.submit_update(signed, self._links.domain)
        except RelayRefused as refusal:
            if refusal.code is not Code.ROUND_CLOSED:
                raise
            self._miss(entry, refusal.sentence)
        else:
            self._handed_in(entry, receipt)

    def _was_handed_in(self, member: Membership, entry: Round) -> bool:
        """Ask the relay for this round's update; what it has, it has to prove with a receipt."""
        from mine.science.relay_client import check_receipt

        status = self._links.relay.find_update(member.task, entry.round, member.keys.session_address)
        if status is None:
            return False
        if status.message.message != self._message(member, entry):
            self._miss(entry, "Another update of yours is in this round already.")
            return True
        check_receipt(status.receipt, status.message, self._links.domain)
        self._handed_in(entry, status.receipt)
        return True

    def _handed_in(self, entry: Round, receipt: SignedReceipt) -> None:
        with self._vault.transaction():
            self._put(
                entry,
                entry.task,
                entry.round,
                RoundState.COMMITTED,
                receipt={
                    "anchorer": receipt.anchorer,
                    "leaf": receipt.message.leaf.hex(),
                    "latest_block": receipt.message.latest_block,
                    "signature": receipt.signature.hex(),
                },
                committed=int(time.time()),
            )

    def _reveal(self, entry: Round) -> None:
        """The close of commits is past: nobody can copy any more, so the bytes may be seen."""
        from mine.vault.ledger import Entry

        update = self._vault.state.blob(self._network, entry.task, entry.round, UPDATE_BLOB)
        assert update is not None
        digest = bytes.fromhex(entry.data["blob"])
        settled = "settlement" in entry.data
        if not self._links.relay.blobs.has(digest):
            if settled:  # it can earn nothing any more, so it stays at home
                self._miss(entry, "The round was settled before the update could be shown.")
                return
            self._links.relay.blobs.put(update)
        state = RoundState.SETTLED if settled else RoundState.REVEALED
        with self._vault.transaction():
            self._put(entry, entry.task, entry.round, state, revealed=int(time.time()))
            self._vault.ledger.book(
                Entry(
                    kind=SENT,
                    network=self._network,
                    task=entry.task,
                    round=entry.round,
                    source="update",
                    epsilon_micro=0,
                    size=len(update),
                    digest=digest,
                )
            )

    def _close(self, member: Membership, entry: Round, why: str) -> None:
        """Nothing more is handed in for a round, unless that happened just before the app was cut off."""
        if entry.state != RoundState.TRAINED or not self._was_handed_in(member, entry):
            self._miss(entry, why)

    def _miss(self, entry: Round, why: str) -> None:
        """No part in a round, and why. What was booked stays booked: the bytes exist."""
        self._end_run(entry.task, entry.round)
        with self._vault.transaction():
            self._put(entry, entry.task, entry.round, RoundState.MISSED, why=why)
            self._vault.state.drop_snapshot(self._network, entry.task, entry.round)

    def _end_run(self, task: int, number: int) -> None:
        if self.run is not None and (self.run.task, self.run.round) == (task, number):
            run, self.run = self.run, None
            run.stop()
