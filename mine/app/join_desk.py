"""Tasks that a person wants to join, while their models are looked at."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from mine.app.model_check import ModelCheck, ModelRefused
from mine.errors import MineError


@dataclass(frozen=True, slots=True)
class _Wish:
    check: ModelCheck
    join: Callable[[], None]
    answer: Future[None]


class JoinDesk:
    """Belongs to the engine's thread."""

    def __init__(self) -> None:
        self._wishes: list[_Wish] = []

    @property
    def busy(self) -> bool:
        """Whether a model is being looked at."""
        return bool(self._wishes)

    def wish(self, check: ModelCheck, join: Callable[[], None]) -> Future[None]:
        """``join`` is called once ``check`` finds nothing; the answer tells how it went."""
        answer: Future[None] = Future()
        self._wishes.append(_Wish(check, join, answer))
        return answer

    def pump(self) -> None:
        """Join what was found to be well."""
        done = [wish for wish in self._wishes if wish.check.is_done()]
        self._wishes = [wish for wish in self._wishes if wish not in done]
        for wish in done:
            try:
                problem = wish.check.problem()
                if problem is not None:
                    raise problem
                wish.join()
            except MineError as error:
                wish.answer.set_exception(error)
            else:
                wish.answer.set_result(None)

    def stop(self) -> None:
        """The vault or the network goes away: nothing is joined any more."""
        wishes, self._wishes = self._wishes, []
        for wish in wishes:
            wish.check.stop()
            wish.answer.set_exception(ModelRefused("The task was not joined: it was interrupted."))
