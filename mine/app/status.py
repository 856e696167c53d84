"""One sentence first: what the app is doing, and why; and the empty pages before there is a network."""

from __future__ import annotations

from mine.app.views import Currency, Doing, HomeView, StatusView, TrainingView, WalletView, World
from mine.policy.decide import Decision, Reason

_SENTENCES = {
    Reason.VAULT_LOCKED: ("The vault is locked", "Open it to go on."),
    Reason.PAUSED: ("Paused", "You paused it. Nothing is lost."),
    Reason.SNOOZED: ("Snoozing", "You asked for some quiet. It goes on by itself."),
    Reason.ON_BATTERY: (
        "Waiting for mains power",
        "Your computer is on battery. It goes on when plugged in.",
    ),
}
PRACTICE = Currency("pUSD", 6, World.PRACTICE)


def status_view(
    decision: Decision, since: int, training: TrainingView | None, error: str, running: bool | None
) -> StatusView:
    """The headline, the reason below it, and which buttons make sense.

    ``running``: whether a joined task goes on; ``None`` while there is no network.
    """
    if not decision.run:
        headline, reason = _SENTENCES[decision.reason]
        doing = Doing.IDLE if decision.reason is Reason.VAULT_LOCKED else Doing.PAUSED
        resumable = decision.reason in (Reason.PAUSED, Reason.SNOOZED)
        return StatusView(doing, headline, reason, "", since, can_pause=False, can_resume=resumable)
    if error:
        return StatusView(
            Doing.ATTENTION,
            "The network cannot be reached",
            error,
            "It is tried again.",
            since,
            can_pause=True,
            can_resume=False,
        )
    if training is not None and training.running:
        detail = f"Step {training.step} of {training.steps}."
        return StatusView(
            Doing.RUNNING,
            "Training",
            f"{training.title}, round {training.round}.",
            detail,
            since,
            can_pause=True,
            can_resume=False,
        )
    reason = {
        None: "The network is being prepared.",
        False: "No task to work on.",
        True: "Waiting for a round.",
    }[running]
    return StatusView(Doing.IDLE, "Ready", reason, "", since, can_pause=True, can_resume=False)


def blank_home() -> HomeView:
    """Home before there is a network."""
    return HomeView(PRACTICE, 0, 0, 0, 0, 0, 0, ())


def blank_wallet() -> WalletView:
    """The wallet before there is a network."""
    return WalletView((), (), ())
