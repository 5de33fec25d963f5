"""Looking through the models folders because somebody asks for it, as a job with a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .jobs import Job

if TYPE_CHECKING:
    from .library import Library


def scan(library: Library, job: Job, report: dict[str, Any], *, hashing: bool) -> None:
    """Look through everything, and with `hashing` wait until every file is hashed.

    The report: `files`, `new`, `gone` since the last look, `hashed` and `failed` of this scan.
    """
    library.wait(600)
    before = {place.place_id for place in library.places.all()}
    places = library.scan()
    after = {place.place_id for place in places}
    report.update(files=len(after), new=len(after - before), gone=len(before - after))
    job.check()
    if not hashing:
        job.progress(len(after), len(after))
        return
    library.hashing.resume()
    lacking = library.hashing.status()["files_left"]
    job.progress(0, lacking)
    while True:
        status = library.hashing.status()
        report.update(hashed=lacking - status["files_left"], failed=status["failed"])
        job.progress(max(0, lacking - status["files_left"]))
        job.check()
        if not status["files_left"] or status["state"] == "paused":
            return
        library.hashing.wait(0.3)
