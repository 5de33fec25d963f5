"""The image folder of ComfyUI Studio, in each layout that it has had; only ever read."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from .errors import NotFound
from .foreign_databases import restrain, tables_of
from .gallery_files import read_json
from .gallery_records import Facts, item_key, uuid_in, written_at
from .json_values import integer, text
from .names import local_path
from .studio_sidecars import facts_of_sidecar, is_card
from .studio_times import studio_utc

_PLACES = ("", "assets/images", "catalogs/.images", ".images", "images")
_MEDIA = frozenset((".jpeg", ".jpg", ".png", ".webp", ".gif", ".avif", ".mp4", ".webm", ".mov"))
_OF_MODEL = re.compile(r"(?:^|/)models/([0-9]{1,18})$")
_OLDEST = re.compile(r"(?:^|/)([0-9]{1,18})/gallery/(card|community)$")
_PREVIEWS = re.compile(r"(?:^|/)(?:lookup/)?([0-9]{1,18})/previews$")
_DATABASE = "gallery.db"
_A_NAME = 200

Row = Mapping[str, Any]


@dataclass(frozen=True)
class StudioPicture:
    """A file of Studio's, with what its database, its JSON and its place say of it."""

    path: Path
    facts: Facts


class StudioTag(NamedTuple):
    """What Studio knows of one of CivitAI's tags; times as `utc` writes them, or empty."""

    name: str
    type: str
    synced_at: str


@dataclass
class _Database:
    pictures: dict[str, Row] = field(default_factory=dict[str, Row])
    versions: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    previews: dict[int, str] = field(default_factory=dict[int, str])
    tags: dict[int, StudioTag] = field(default_factory=dict[int, "StudioTag"])


class StudioFolder:
    """What lies in a folder, found once; the files themselves are looked at by who takes them."""

    def __init__(self, given: str) -> None:
        """Raises BadInput for what is no path of this machine, NotFound without pictures in it."""
        folder = check_folder(given)
        self.pictures: list[StudioPicture] = []
        self.preview_files: list[tuple[int, Path]] = []
        self.chosen: dict[int, str] = {}
        """By model the picture that stands for it."""
        self.tags: dict[int, StudioTag] = {}
        """By CivitAI's number."""
        self.problems: list[tuple[str, str]] = []
        roots = [folder / place for place in _PLACES if (folder / place).is_dir()]
        for root in [each for each in roots if _is_studio(each)]:
            self._look(root)

    def _look(self, root: Path) -> None:
        database = self._database(root / _DATABASE)
        self.chosen.update(database.previews)
        self.tags.update(database.tags)
        files, sidecars = self._files(root)
        for key, (path, where) in files.items():
            row = database.pictures.get(key, {})
            facts = facts_of_sidecar(key, read_json(sidecars[key]) if key in sidecars else {})
            facts = _with_place(_with_row(facts, row), where, row)
            versions = database.versions.get(key, [])
            # Where nobody says when it was made, its file does.
            when = facts.created_at or written_at(path)
            facts = replace(facts, version_ids=tuple(versions), created_at=when)
            self.pictures.append(StudioPicture(path, facts))
        for key in database.pictures.keys() - files.keys():
            self.problems.append((key, "Its file is not there."))

    def _files(self, root: Path) -> tuple[dict[str, tuple[Path, str]], dict[str, Path]]:
        """By id the pictures with their folders, and the JSON; links are passed over."""
        files: dict[str, tuple[Path, str]] = {}
        sidecars: dict[str, Path] = {}
        for folder, folders, names in os.walk(root):
            folders.sort()
            where = Path(folder).relative_to(root).as_posix()
            shown = _PREVIEWS.search(where)
            for name in sorted(names):
                path = Path(folder, name)
                # A thumbnail's name, `<id>.thumb.jpg`, reads like an id with an extension.
                key = "" if "." in path.stem else item_key(path.stem)
                if path.is_symlink():
                    self.problems.append((name, "It is a link; links are not followed."))
                elif shown and (path.suffix.lower() in _MEDIA or path.suffix == ".json"):
                    self.preview_files.append((int(shown[1]), path))
                elif path.suffix == ".json" and key:
                    sidecars.setdefault(key, path)
                elif path.suffix.lower() in _MEDIA and key and key not in files:
                    files[key] = (path, where)
        return files, sidecars

    def _database(self, path: Path) -> _Database:
        """What a copy of the database says: opened in its place, SQLite would write beside it."""
        found = _Database()
        if not path.is_file():
            return found
        try:
            with tempfile.TemporaryDirectory(prefix="curator-studio-") as folder:
                for name in (path.name, f"{path.name}-wal"):
                    if path.with_name(name).is_file():
                        shutil.copyfile(path.with_name(name), Path(folder, name))
                with closing(sqlite3.connect(Path(folder, path.name))) as connection:
                    _read(connection, found)
        except (sqlite3.Error, OSError, OverflowError) as error:
            # What the system says of a file names the folders that it lies in.
            why = error.strerror if isinstance(error, OSError) else error
            self.problems.append((path.name, f"It cannot be read: {why}."))
        return found


def check_folder(given: str) -> Path:
    """The folder that a caller names. Raises BadInput for no whole path, NotFound."""
    folder = local_path(given, "path")
    if not folder.is_dir():
        raise NotFound("There is no such folder.", field="path")
    if not any(_is_studio(folder / place) for place in _PLACES):
        raise NotFound("This folder holds no pictures of ComfyUI Studio.", field="path")
    return folder


def _read(connection: sqlite3.Connection, found: _Database) -> None:
    connection.row_factory = sqlite3.Row
    connection.text_factory = _decoded
    restrain(connection)
    tables = tables_of(connection)
    if "gallery_images" in tables:
        for row in connection.execute("SELECT * FROM gallery_images"):
            told = {name: row[name] for name in row.keys()}
            key = item_key(str(told.get("civitai_id")))
            if key:
                found.pictures[key] = told
    if "image_versions" in tables:
        for row in connection.execute("SELECT civitai_id, version_id FROM image_versions"):
            version = integer(row[1])
            if version:
                found.versions.setdefault(item_key(str(row[0])), []).append(version)
    if "gallery_previews" in tables:
        for row in connection.execute("SELECT model_id, civitai_id FROM gallery_previews"):
            model, key = integer(row[0]), item_key(str(row[1]))
            if model and key:
                found.previews[model] = key

    if "civitai_tags" in tables:
        for row in connection.execute("SELECT * FROM civitai_tags"):
            told = {name: row[name] for name in row.keys()}
            number, name = integer(told.get("id")), text(told.get("name")).strip()
            if number and 0 < number < 1 << 53 and name:
                when = studio_utc(told.get("synced_at"))
                found.tags[number] = StudioTag(name[:_A_NAME], text(told.get("type")), when)


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _with_row(facts: Facts, row: Row) -> Facts:
    """The facts with the database's: it alone knows the star, and what was fetched for whom."""
    if not row:
        return facts
    made = facts.generation
    if not made.prompt and text(row.get("prompt")):
        made = replace(made, prompt=row["prompt"])
    stats = facts.stats or {
        "heartCount": integer(row.get("reactions")) or 0,
        "commentCount": integer(row.get("comments")) or 0,
        "collectedCount": integer(row.get("collected")) or 0,
    }
    return replace(
        facts,
        file_uuid=uuid_in(text(row.get("file_uuid"))) or facts.file_uuid,
        source="original" if is_card(row.get("source")) else "community",
        search_mode=text(row.get("search_mode")),
        model_id=_model(row.get("model_id")),
        username=facts.username or text(row.get("username")),
        post_id=facts.post_id or integer(row.get("post_id")),
        post_title=facts.post_title or text(row.get("post_title")),
        base_model=facts.base_model or text(row.get("base_model")),
        created_at=facts.created_at or studio_utc(row.get("created_at")),
        starred=bool(integer(row.get("starred"))),
        stats=stats,
        generation=made,
    )


def _with_place(facts: Facts, where: str, row: Row) -> Facts:
    """What the folder says, where the database says nothing."""
    oldest = _OLDEST.search(where)
    model = _OF_MODEL.search(where) or oldest
    if row or not model:
        return facts
    source = facts.source if oldest and oldest[2] == "community" else "original"
    return replace(facts, model_id=int(model[1]), source=source)


def _model(value: Any) -> int:
    number = integer(value) or 0
    return number if 0 <= number < 1 << 63 else 0


def _is_studio(folder: Path) -> bool:
    """Whether it looks like the folder of pictures itself."""
    if (folder / _DATABASE).is_file():
        return True
    try:
        names = {entry.name for entry in os.scandir(folder) if entry.is_dir()}
    except OSError:
        return False
    if names & {"models", "media"} and (
        any((folder / "models").glob("[0-9]*/*.*")) or any((folder / "media").glob("*/*/*.*"))
    ):
        return True
    return any(
        name.isdigit()
        and ((folder / name / "gallery").is_dir() or (folder / name / "previews").is_dir())
        for name in names
    )
