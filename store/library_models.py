"""One model: found by its hash or by a place, shown whole, edited by a person."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .engine import Record
from .errors import BadInput, ChangedMeanwhile, Conflict, CuratorError, NotFound
from .gallery import ServedFile
from .json_values import integer, is_object, whole
from .library_place_changes import PlaceChange, renamed
from .library_records import Records, is_sha256
from .library_shown import etag_of, meta_json, shown_model
from .library_tags import Tags
from .samples import Samples

if TYPE_CHECKING:
    from .library_places import Place, Places

log = logging.getLogger(__name__)

Json = dict[str, Any]

_KNOWN_META = ("description", "community_links", "images_count", "prompts")
_PLAIN = (
    "name",
    "type",
    "base_model",
    "notes",
    "rating",
    "favorite",
    "trigger_words",
    "presets",
)


class Models:
    """Records and places as one. Thread-safe; reads memory, edits are on the disk at return."""

    def __init__(self, records: Records, tags: Tags, samples: Samples, places: Places) -> None:
        """From now on the pictures of a place follow its content."""
        self._records = records
        self._tags = tags
        self._samples = samples
        self._places = places
        self._closing = threading.Event()
        self.caught_up = threading.Event()
        """Set when what an earlier run could not join any more is joined."""
        places.listen(self._places_changed)
        self._thread = threading.Thread(target=self._catch_up, name="curator-joining", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End what is under way."""
        self._closing.set()
        self._thread.join()

    def key_of(self, text: str) -> str:
        """The key behind a hash in any case, or behind a place's id. Raises NotFound."""
        text = text.strip()
        if is_sha256(text):
            return text.lower()
        place = self._places.get(text)
        if place and place.sha256:
            return place.sha256
        # A file that was joined to a record before holds something else by now.
        if text in self._records or (place and not place.gone):
            return text
        record = self._records.of_place(text)
        if record is None:
            raise _unknown()
        return record["id"]

    def sample_key(self, text: str) -> str:
        """The same for pictures, which a hash may have that no model has. Raises BadInput."""
        try:
            return self.key_of(text)
        except NotFound:
            raise BadInput(
                "sha256 must be 64 hex digits, or the id of a place.", field="sha256"
            ) from None

    def show(self, text: str) -> tuple[Json, str]:
        """The full record and its ETag. Raises NotFound."""
        key = self.key_of(text)
        record = self._records.get(key)
        places = self.places_of(key)
        if record is None and not places:
            raise _unknown()
        return self._shown(key, record, places), etag_of(record)

    def edit(
        self, text: str, changes: Mapping[str, Any], *, tags: Collection[str] | None = None
    ) -> tuple[Json, str]:
        """Change what is said of a model, all of it or nothing; returns as `show`.

        `tags` are the ETags of `If-Match`. What is sent as it is shown is no change. Raises
        NotFound, BadInput naming the field, ChangedMeanwhile.
        """
        shown, _ = self.show(text)
        key = self.key_of(text)
        wanted = {name: value for name, value in changes.items() if name in _PLAIN}
        if "tags" in changes:
            wanted["tags"] = self._tag_ids(changes["tags"])
        meta = checked_meta(changes["meta_json"]) if "meta_json" in changes else None

        def change(record: Record) -> None:
            if tags is not None and "*" not in tags and etag_of(record) not in tags:
                raise ChangedMeanwhile("This model was changed meanwhile; look at it again.")
            for name, value in wanted.items():
                # The client sends whole records: a name taken from the file is none that was given.
                if value != _effective(record, name, shown):
                    record[name] = value
            if meta is not None:
                record["meta"] = _edited_meta(record["meta"], meta)

        self._records.change(key, change)
        with contextlib.suppress(NotFound):
            self._follow_late(key, self.key_of(text))
        return self.show(text)

    def places_of(self, key: str) -> list[Place]:
        """The files that hold it."""
        if is_sha256(key):
            return self._places.of_hash(key)
        place = self._places.get(key)
        return [place] if place and not place.gone else []

    def add_sample(self, text: str, data: bytes) -> str:
        """`<key>_<seq>` of this picture. Raises BadInput, WrongType, TooLarge, DiskFull."""
        key = self.sample_key(text)
        if not is_sha256(key):
            # With its picture the place has a record, which outlives the file.
            self._records.change(key, lambda record: None, keep=True)
        seq = self._samples.add(key, data)
        now = self.sample_key(text)
        if now != key:
            # Its hash became known while the picture was being made.
            self._samples.take_over(key, now)
            seq = self._samples.add(now, data)
        return f"{now}_{seq}"

    def sample(self, text: str, seq: int, quality: str) -> ServedFile:
        """One sample picture. Raises NotFound."""
        try:
            return self._samples.file(self.key_of(text), seq, quality)
        except NotFound:
            raise NotFound("Image not found") from None

    def samples_of(self, text: str) -> tuple[str, int]:
        """The key of a model, and how many sample pictures it has. Raises BadInput."""
        key = self.sample_key(text)
        return key, self._samples.count(key)

    def count_samples(self, text: str) -> int:
        """How many there are; 0 for what nobody knows."""
        try:
            return self._samples.count(self.key_of(text))
        except NotFound:
            return 0

    def delete_sample(self, text: str, seq: int, tags: Collection[str] | None) -> None:
        """Take a sample picture away. Raises NotFound, ChangedMeanwhile."""
        self._samples.delete(self.key_of(text), seq, tags)

    def forget(self, text: str) -> None:
        """Forget what is said of a model whose files are gone, with its sample pictures.

        Raises NotFound, Conflict while a file is there.
        """
        key = self.key_of(text)
        if self.places_of(key):
            raise Conflict("Its file is there; what is said of it goes with that only.")
        if not self._records.forget(key):
            raise _unknown()
        self._samples.drop(key)
        self._samples.tidy(key)

    def _shown(self, key: str, record: Record | None, places: list[Place]) -> Json:
        return shown_model(key, record, places, self._tags.shown((record or {}).get("tags", [])))

    def _tag_ids(self, given: list[Any]) -> list[int]:
        """The numbers in a list of numbers, texts and objects; what is none is left out."""
        ids: list[int] = []
        for each in given:
            number = whole(each.get("id") if is_object(each) else each)
            if number is None or number in ids:
                continue
            if number not in self._tags:
                raise BadInput(f"There is no tag {number}.", field="tags")
            ids.append(number)
        return ids

    def _places_changed(self, changes: list[PlaceChange]) -> None:
        """The pictures go where the library lets the records go."""
        self._samples.follow(renamed(changes))

    def _follow_late(self, place_id: str, key: str) -> None:
        """What was said of a place whose hash is known belongs to the content."""
        if is_sha256(place_id) or key != self._places.content_of(place_id):
            return
        if place_id in self._records:
            self._records.join(place_id, key)
        self._samples.take_over(place_id, key)

    def _catch_up(self) -> None:
        """Top of the thread: join what an earlier run could not any more."""
        try:
            while not self._places.ready.wait(0.2):
                if self._closing.is_set():
                    return
            for draft in self._records.drafts():
                content = self._places.content_of(draft["id"])
                if content:
                    self._follow_late(draft["id"], content)
        except CuratorError as error:
            log.warning("What is said of some files could not be joined: %s", error.text)
        except Exception:
            log.exception("joining records")
        finally:
            self.caught_up.set()


def _effective(record: Record, name: str, shown: Json) -> Any:
    """What stands there now: what is said, else what is shown in its place."""
    if record[name] or name in record["said"] or name == "tags":
        return record[name]
    return shown[name]


def checked_meta(given: Any) -> Json:
    """The object, of the four known keys each with a value of its kind. Raises BadInput."""
    if given is None:
        return {}
    if not is_object(given):
        raise BadInput("meta_json must be an object.", field="meta_json")
    for name in ("description", "community_links"):
        if not isinstance(given.get(name), str | None):
            raise BadInput(f"meta_json.{name} must be a text.", field="meta_json")
    prompts = given.get("prompts")
    if prompts is not None and not is_object(prompts):
        raise BadInput("meta_json.prompts must be an object.", field="meta_json")
    for name in ("positive", "negative"):
        if not isinstance((prompts or {}).get(name), str | None):
            raise BadInput(f"meta_json.prompts.{name} must be a text.", field="meta_json")
    count = given.get("images_count")
    if count is not None and (integer(count) is None or abs(integer(count) or 0) >= 1 << 53):
        raise BadInput("meta_json.images_count must be a number.", field="meta_json")
    return given


def _edited_meta(known: Json, given: Json) -> Json:
    """The four known keys as a set, absent is empty; others stay unless sent, null removes."""
    made = {key: value for key, value in known.items() if key not in _KNOWN_META}
    made.update((key, value) for key, value in given.items() if key not in _KNOWN_META)
    made = {key: value for key, value in made.items() if value is not None}
    before = known.get("prompts")
    prompts: Json = dict(before) if is_object(before) else {}
    prompts.update(given.get("prompts") or {})
    asked: Json = given.get("prompts") or {}
    prompts["positive"], prompts["negative"] = asked.get("positive"), asked.get("negative")
    prompts = {key: value for key, value in prompts.items() if value is not None}
    four = {**{name: given.get(name) for name in _KNOWN_META}, "prompts": prompts}
    shown = meta_json(four)
    # What is empty on both sides is no change: a client sends what it was shown.
    for name in _KNOWN_META:
        if shown[name] != meta_json({})[name] or name in known:
            made[name] = shown[name]
    return made


def _unknown() -> NotFound:
    return NotFound("Model not found")
