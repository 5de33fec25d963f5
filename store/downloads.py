"""The catalog's models, fetched: what an entry wants, handed to the transfers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .catalog import Catalog
from .catalog_entries import Found
from .errors import Conflict, Impossible, NotFound
from .transfer_records import Json, TransferFact, Wanted, source_of, wanted_of
from .transfers import Transfers


class Downloads:
    """Starts, pauses and ends the transfers of catalog entries, by their file name."""

    def __init__(self, catalog: Catalog, transfers: Transfers) -> None:
        self._catalog = catalog
        self._transfers = transfers

    def request(self, file: str, dest: str | None = None) -> Json:
        """Fetch an entry's file: `{status:"queued"|"downloading"|"present", file}`.

        Raises NotFound, Conflict with `candidates`, Impossible for an entry that says nowhere
        where its file is had or has an impossible place, DiskFull with figures.
        """
        found = self._catalog.find(file, dest)
        if self._catalog.is_present(found):
            return {"status": "present", "file": file}
        return {"status": self._transfers.request(_wanted(found)), "file": file}

    def request_all(self, files: Iterable[str]) -> Json:
        """Fetch several: `{queued:[…], skipped:[…]}`, as far as they can be and are not here."""
        queued: list[str] = []
        skipped: list[str] = []
        for file in dict.fromkeys(files):
            try:
                found = self._catalog.find(file)
                on_its_way = self._catalog.is_present(found) or self._is_active(found)
                if not on_its_way:
                    self._transfers.request(_wanted(found), sure_of_room=True)
            except (NotFound, Conflict, Impossible):
                on_its_way = True
            (skipped if on_its_way else queued).append(file)
        return {"queued": queued, "skipped": skipped}

    def pause(self, file: str, dest: str | None = None) -> Json:
        """`{status:"paused", file}`. Raises NotFound, Conflict when there is nothing to pause."""
        return self._act(self._transfers.pause, "paused", file, dest)

    def resume(self, file: str, dest: str | None = None) -> Json:
        """`{status:"queued", file}`, also for one that has failed. Raises as `pause` does."""
        return self._act(self._transfers.resume, "queued", file, dest)

    def cancel(self, file: str, dest: str | None = None) -> Json:
        """`{status:"cancelled", file}`; its part is gone. Raises as `pause` does."""
        return self._act(self._transfers.cancel, "cancelled", file, dest)

    def remove_entry(self, file: str, dest: str | None = None) -> Json:
        """Take the entry out of the catalogs, and end its transfer; see Catalog.remove."""
        place = _place(self._catalog.find(file, dest)).id
        removed = self._catalog.remove(file, dest)
        self._transfers.cancel(place)
        return removed

    def status(self) -> dict[str, Json]:
        """How each transfer stands, by file name, in both spellings that pages read."""
        return {record["file"]: _status(record, fact) for record, fact in self._transfers.shown()}

    def _act(
        self, act: Callable[[str], bool], status: str, file: str, dest: str | None
    ) -> dict[str, Any]:
        # The entry may be gone from the catalog, or moved, while its file is still on its way.
        others = self._transfers.find(file, dest)
        try:
            found = act(_place(self._catalog.find(file, dest)).id)
        except NotFound:
            if not others:
                raise
            found = False
        if not found and not any([act(key) for key in others]):
            raise Conflict(f"There is no transfer of {file} that could be {status}.")
        return {"status": status, "file": file}

    def _is_active(self, found: Found) -> bool:
        _, facts = self._transfers.facts()
        fact = facts.get(found.slot)
        return fact is not None and fact.state in ("queued", "downloading")


def _wanted(found: Found) -> Wanted:
    source = source_of(found.entry)
    if source is None:
        raise Impossible(
            f"{found.file} has no source: neither a CivitAI version nor a Hugging Face file nor "
            "an address."
        )
    return wanted_of(found.entry, folder=found.folder, name=found.name, source=source)


def _place(found: Found) -> Wanted:
    return wanted_of(found.entry, folder=found.folder, name=found.name, source={})


def _status(record: Json, fact: TransferFact | None) -> Json:
    total = record["total"] or record["size"]
    done = fact.done if fact else total
    total = (fact.total if fact else total) or 0
    return {
        "status": fact.state if fact else "done",
        "bytes": done,
        "bytes_downloaded": done,
        "total": total,
        "bytes_total": total,
        "percent": round(min(done / total, 1) * 100, 1) if total else None,
        "speed": round(fact.rate) if fact else 0,
        "error": fact.error if fact else None,
        "error_field": fact.field if fact else None,
    }
