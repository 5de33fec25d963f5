"""Long work as others see it."""

from __future__ import annotations

import pytest

from comfyui_curator.store import jobs as module
from comfyui_curator.store import pace
from comfyui_curator.store.errors import Conflict, DiskFull, NotFound
from comfyui_curator.store.events import Events
from comfyui_curator.store.jobs import Cancelled, Job, Jobs
from comfyui_curator.store.pace import Pace


class Clock:
    """What `time` tells, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(pace, "time", clock)
    return clock


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def jobs(events: Events) -> Jobs:
    return Jobs(events)


def states(events: Events) -> list[str]:
    return [event.data["state"] for event in events.since(0) or () if event.topic == "jobs"]


def test_a_job_is_shown_from_its_beginning_to_its_end(jobs: Jobs, events: Events) -> None:
    with jobs.running("refresh", title="Metadata", unit="files", total=2) as job:
        job.advance()
        (shown,) = jobs.listed()
        assert shown["state"] == "running"
        assert (shown["kind"], shown["title"], shown["unit"]) == ("refresh", "Metadata", "files")
        assert (shown["done"], shown["total"], shown["error"]) == (1, 2, None)
        assert shown.keys() == {
            *("id", "kind", "title", "state", "done", "total", "unit", "rate", "eta_s", "error")
        }
        job.advance()
    assert jobs.listed()[0]["state"] == "done"
    assert states(events)[0] == "running"
    assert states(events)[-1] == "done"


def test_a_cancelled_job_ends_where_its_work_looks_and_without_an_error(jobs: Jobs) -> None:
    reached: list[int] = []
    with jobs.running("scan") as job:
        for number in range(10):
            reached.append(number)
            if number == 3:
                assert jobs.cancel(job.id)["state"] == "running"
            job.advance()
    assert reached == [0, 1, 2, 3]
    assert jobs.listed()[0]["state"] == "cancelled"
    # Sent again after a lost answer it does no harm.
    assert jobs.cancel(job.id)["state"] == "cancelled"


def test_a_job_that_fails_says_why(jobs: Jobs) -> None:
    with pytest.raises(DiskFull), jobs.running("scan"):
        raise DiskFull("There is no room.")
    assert jobs.listed()[0]["error"] == "There is no room."
    with pytest.raises(KeyError), jobs.running("scan"):
        raise KeyError("/a/path/of/this/machine")
    assert "/a/path" not in jobs.listed()[0]["error"]


def test_what_is_over_or_unknown_cannot_be_cancelled(jobs: Jobs) -> None:
    with jobs.running("scan") as job:
        pass
    with pytest.raises(Conflict):
        jobs.cancel(job.id)
    with pytest.raises(NotFound):
        jobs.cancel("nope")


def test_who_does_the_work_can_be_told_of_a_cancel(jobs: Jobs) -> None:
    told: list[Job] = []
    job = jobs.add("transfer", cancel=lambda: told.append(job))
    jobs.cancel(job.id)
    assert told == [job]
    with pytest.raises(Cancelled):
        job.check()


def test_progress_is_told_twice_a_second_at_most_and_each_state_at_once(
    jobs: Jobs, events: Events, clock: Clock
) -> None:
    job = jobs.add("transfer")
    job.change("running")
    told = 0
    for number in range(100):
        clock.now += 0.125
        told += job.progress(number)
    assert told == 25
    job.change("paused")
    assert states(events)[-1] == "paused"
    assert (events.since(0) or [])[-1].data["done"] == 99


def test_the_rate_is_that_of_the_last_seconds_and_falls_when_nothing_comes(clock: Clock) -> None:
    measured = Pace(1_000_000)
    for number in range(1, 101):
        clock.now += 0.1
        measured.mark(1_000_000 + 10 * number)
    assert 95 <= measured.rate() <= 105
    assert measured.eta(1_001_000 + 1000) in (10, 11)
    clock.now += 100
    assert measured.rate() < 10
    assert measured.eta(None) is None


def test_what_was_there_before_does_not_count_for_the_rate(jobs: Jobs, clock: Clock) -> None:
    job = jobs.add("transfer")
    job.restart_from(10**9)
    job.change("running")
    clock.now += 1
    job.progress(10**9 + 500, 2 * 10**9)
    assert job.rate == 500
    job.change("paused")
    assert (job.rate, job.eta_s) == (0, None)


def test_what_is_over_is_kept_for_a_while(jobs: Jobs, clock: Clock) -> None:
    going = jobs.add("transfer")
    for _ in range(150):
        jobs.add("scan").change("done")
    listed = jobs.listed()
    assert len(listed) == 101
    assert listed[-1]["id"] == going.id
    clock.now += 3601
    assert [each["id"] for each in jobs.listed()] == [going.id]
