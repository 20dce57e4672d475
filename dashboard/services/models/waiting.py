"""The requests that wait for the model: how many may, who goes with whom, and what a newer one replaces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from dashboard.services.models.protocol import SUPERSEDED, Answer, QueueFull, Request, Superseded


@dataclass(eq=False)
class Job:
    """A request that waits or is computed.

    Attributes:
      request: what was asked.
      reply: sends an answer to who asked.
      asker: who asked.
      since: when its place in the queue was taken.
      is_answered: whether its last answer was sent.
      timer: rings when its time is over.
    """

    request: Request
    reply: Callable[[Answer], None]
    asker: object
    since: float
    is_answered: bool = False
    timer: asyncio.TimerHandle | None = None


class Waiting:
    """Jobs in the order of their places, at most `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.jobs: list[Job] = []

    def add(self, job: Job) -> Job | None:
        """Take a job in: at the end, or in the place of the one it replaces, which is returned.

        Raises:
          Superseded: a newer one of its kind waits. QueueFull: no place is free.
        """
        if any(other.request.replaces(job.request) for other in self.jobs):
            raise Superseded(SUPERSEDED)
        for index, older in enumerate(self.jobs):
            if job.request.replaces(older.request):
                # The place stays: one who keeps changing their mind is not sent to the end each time.
                job.since = older.since
                self.jobs[index] = job
                return older
        if len(self.jobs) >= self.limit:
            raise QueueFull(f"{len(self.jobs)} requests wait for the models already; try again in a moment")
        self.jobs.append(job)
        return None

    def take(self, most_rows: int) -> list[Job]:
        """The first job and those one computation can answer with it, up to `most_rows` variants together."""
        if not self.jobs:
            return []
        first, *rest = self.jobs
        taken, n_rows = [first], first.request.n_rows
        for job in rest:
            fits = n_rows + job.request.n_rows <= most_rows
            if fits and job.request.join_key == first.request.join_key:
                taken.append(job)
                n_rows += job.request.n_rows
        self.jobs = [job for job in rest if job not in taken]
        return taken

    def take_all(self) -> list[Job]:
        """Every job; none waits any more."""
        taken, self.jobs = self.jobs, []
        return taken

    def drop(self, job: Job) -> bool:
        """Take a job out; False when it did not wait any more."""
        if job not in self.jobs:
            return False
        self.jobs.remove(job)
        return True

    def forget(self, asker: object) -> None:
        """Drop what somebody asked who is gone."""
        self.jobs = [job for job in self.jobs if job.asker is not asker]
