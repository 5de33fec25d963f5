"""Sample pictures of models: three files each, in an order without gaps, whenever we die.

The order is one record a model; a picture is there when the record names it. What its record calls
`loose` is a picture that comes or goes: its files are removed when the store opens.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Collection as Some
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from .bursts import Bursts
from .engine import CollectionSpec, Database, Index, Record
from .errors import ChangedMeanwhile, NotFound
from .events import Events
from .files import disk_error, write_atomic
from .gallery import ServedFile
from .locks import KeyedLock
from .sample_tiers import TIERS, Tiers, check_whole, make_tiers, tier_of
from .thumbnails import Decoder

SAMPLES = CollectionSpec("samples", key="key", indexes=(Index("loose", "loose"),))

_REMEMBERED = 1000
"""Removed pictures, for each model."""


class Samples:
    """The pictures of each key: a SHA-256, a place's id, or a pending row (`pending-<id>`).

    Thread-safe; whatever decodes or writes may take a second.
    """

    def __init__(self, database: Database, folder: Path, events: Events) -> None:
        """Removes what an earlier run left half done; looks at no other file."""
        for leftover in folder.glob("*.part"):
            leftover.unlink(missing_ok=True)
        self._database = database
        self._samples = database.collection("samples")
        self._folder = folder
        self._bursts = Bursts(
            lambda keys: events.publish(
                "library", change="samples", keys=keys[:100], count=len(keys)
            )
        )
        self._locks = KeyedLock()
        self._decoder = Decoder()
        for token in [token for token in self._samples.values("loose") if token]:
            for record in self._samples.page("loose", token).records:
                self._let_go(record["key"], [token])

    def close(self) -> None:
        """Let the decoder end what it is at."""
        self._decoder.close()

    def count(self, key: str) -> int:
        """How many pictures there are; 0 for an unknown key."""
        return len(self._pictures(key))

    def add(self, key: str, data: bytes, *, name: str = "", again: bool = True) -> int:
        """The place of this picture among those of `key`, added at the end unless it is there.

        `again=False`: not if it was removed before; -1 then. Raises WrongType, TooLarge, DiskFull.
        """
        source = hashlib.sha256(data).hexdigest()
        with self._locks.hold(key):
            seq = self._find(key, source)
            if seq is not None:
                return seq
            if not again and source in self._record(key)["removed"]:
                return -1
            tiers = self._decoder.run(lambda: self._made(data))
            digest = hashlib.sha256(tiers.files["high"]).hexdigest()
            # The same pixels with other words beside them.
            seq = self._find(key, digest)
            if seq is not None:
                return seq
            picture = {
                "token": secrets.token_hex(16),
                "source": source,
                "digest": digest,
                "width": tiers.width,
                "height": tiers.height,
                "name": name,
            }
            seq = self._keep(key, picture, tiers)
        self._tell(key)
        return seq

    def would_add(self, key: str, path: Path) -> bool:
        """Whether `add` of this file, `again=False`, would bring a picture; nothing is written.

        Raises WrongType, TooLarge, OSError. The same pixels with other words count as another.
        """
        source = hashlib.sha256(path.read_bytes()).hexdigest()
        if self._find(key, source) is not None or source in self._record(key)["removed"]:
            return False
        self._decoder.run(lambda: check_whole(path))
        return True

    def file(self, key: str, seq: int, quality: str) -> ServedFile:
        """One picture in the tier that `quality` names, else the best. Raises NotFound."""
        pictures = self._pictures(key)
        if not 0 <= seq < len(pictures):
            raise NotFound("There is no such picture.")
        tier = tier_of(quality)
        path = self._path(pictures[seq]["token"], tier)
        if not path.is_file():
            raise NotFound("The file of this picture is gone.")
        return ServedFile(path, "image/webp", _tag(pictures[seq], tier), f"{key}_{seq}.webp")

    def delete(self, key: str, seq: int, tags: Some[str] | None = None) -> None:
        """Take a picture away; the later ones move up. With `tags` (ETags) only that picture.

        Asked again for a picture that is gone it does nothing. Raises NotFound, ChangedMeanwhile
        when another picture stands there.
        """
        with self._locks.hold(key):
            record = self._record(key)
            pictures: list[Record] = record["pictures"]
            found = pictures[seq] if 0 <= seq < len(pictures) else None
            if tags is not None and not (found and _is_meant(found, tags)):
                gone = {digest[:_TAG_LENGTH] for digest in record["removed"]}
                here = {picture["digest"][:_TAG_LENGTH] for picture in pictures}
                asked = {tag.partition("-")[0] for tag in tags}
                if asked & gone and not asked & here:
                    return
                raise ChangedMeanwhile("Another picture stands at this place by now.")
            if found is None:
                raise NotFound(f"Image sequence {seq} not found for {key}")

            def take_out(record: Record) -> None:
                record["pictures"] = [each for each in record["pictures"] if each != found]
                record["loose"].append(found["token"])
                _remember_removed(record, found)

            self._samples.update(key, take_out)
            self._let_go(key, [found["token"]])
        self._tell(key)

    def join(self, key: str, into: str) -> int:
        """The pictures of `key` come after those of `into`; how many they were.

        Nothing is copied. May be one of several changes of a transaction that `key` and `into` are
        held in (`holding`); the files of twins go with `tidy`.
        """
        record = self._samples.get(key)
        if record is None:
            return 0
        target = self._record(into)
        known = {each[name] for each in target["pictures"] for name in ("source", "digest")}
        for picture in record["pictures"]:
            if picture["digest"] in known or picture["source"] in known:
                target["loose"].append(picture["token"])
            else:
                target["pictures"].append(picture)
        target["loose"] += record["loose"]
        target["removed"] = [*record["removed"], *target["removed"]][-_REMEMBERED:]
        self._samples.put(target)
        self._samples.delete(key)
        return len(record["pictures"])

    def follow(self, renamed: Iterable[tuple[str, str]]) -> None:
        """Keys are others from now on, as a place's is when its hash is known."""
        for key, into in renamed if len(self._samples) else ():
            self.take_over(key, into)

    def take_over(self, key: str, into: str) -> None:
        """As `join`, whole by itself."""
        if key not in self._samples:
            return
        with self.holding(key, into), self._database.transaction():
            self.join(key, into)
        self.tidy(into)
        self._tell(into)

    def drop(self, key: str) -> None:
        """Mark all pictures of a key as gone, also as a part of a transaction; `tidy` removes
        the files.
        """
        record = self._samples.get(key)
        if record:
            tokens = [picture["token"] for picture in record["pictures"]]
            record.update(pictures=[], loose=[*record["loose"], *tokens])
            self._samples.put(record)

    def tidy(self, key: str) -> None:
        """Remove the files of what is gone."""
        record = self._samples.get(key)
        if record and record["loose"]:
            with self._locks.hold(key):
                self._let_go(key, record["loose"])

    @contextlib.contextmanager
    def holding(self, *keys: str) -> Generator[None, None, None]:
        """A block in which nobody else adds to or deletes from these."""
        with contextlib.ExitStack() as stack:
            for key in sorted(set(keys)):
                stack.enter_context(self._locks.hold(key))
            yield

    def export(self, key: str) -> list[Path]:
        """The best file of each picture, in order."""
        return [self._path(picture["token"], "high") for picture in self._pictures(key)]

    def _made(self, data: bytes) -> Tiers:
        path = self._folder / f"{secrets.token_hex(8)}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            return make_tiers(path)
        except OSError as error:
            raise disk_error(error, "The picture") from error
        finally:
            path.unlink(missing_ok=True)

    def _keep(self, key: str, picture: Record, tiers: Tiers) -> int:
        """Write the files and name them in the record: all, or nothing."""
        token: str = picture["token"]
        record = self._record(key)
        record["loose"].append(token)
        self._samples.put(record)
        try:
            for tier, data in tiers.files.items():
                write_atomic(self._path(token, tier), data)

            def take_in(record: Record) -> None:
                record["pictures"].append(picture)
                record["loose"].remove(token)

            return len(self._samples.update(key, take_in)["pictures"]) - 1
        except BaseException:
            self._let_go(key, [token])
            raise

    def _let_go(self, key: str, tokens: list[str]) -> None:
        """Remove the files of these, and then what the record says of them."""
        for token in tokens:
            with contextlib.suppress(OSError):
                for path in self._path(token, "").parent.glob(f"*{token}*"):
                    path.unlink(missing_ok=True)

        def forget(record: Record) -> None:
            record["loose"] = [token for token in record["loose"] if token not in tokens]

        # What cannot be written now is found loose by the next start.
        with contextlib.suppress(KeyError):
            record = self._samples.update(key, forget)
            if not (record["pictures"] or record["loose"] or record["removed"]):
                self._samples.delete(key)

    def _find(self, key: str, digest: str) -> int | None:
        for seq, picture in enumerate(self._pictures(key)):
            if digest in (picture["source"], picture["digest"]):
                return seq
        return None

    def _pictures(self, key: str) -> list[Record]:
        record = self._samples.get(key)
        return record["pictures"] if record else []

    def _record(self, key: str) -> Record:
        return self._samples.get(key) or {"key": key, "pictures": [], "loose": [], "removed": []}

    def _path(self, token: str, tier: str) -> Path:
        return self._folder / token[:2] / f"{token}_{tier}.webp"

    def _tell(self, key: str) -> None:
        self._bursts.add([key])


_TAG_LENGTH = 24


def _tag(picture: Record, tier: str) -> str:
    return f"{picture['digest'][:_TAG_LENGTH]}-{tier}"


def _is_meant(picture: Record, tags: Some[str]) -> bool:
    return "*" in tags or any(_tag(picture, tier) in tags for tier in TIERS)


def _remember_removed(record: Record, picture: Record) -> None:
    known: list[Any] = record["removed"]
    known += [each for each in (picture["source"], picture["digest"]) if each not in known]
    del known[:-_REMEMBERED]
