"""What a picture on CivitAI was made with, and what of that is here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .catalog import Catalog
from .catalog_entries import Found, Json
from .civitai_types import chosen_file
from .errors import CuratorError, Impossible, NotFound
from .json_values import integer, mapping, mappings, number, text
from .remote.civitai import CivitAI

# Strangers write prompts. Each part ends where the next can begin, or a tag that never ends takes
# its length squared; what a lookahead has read is not tried otherwise.
_LORA = re.compile(r"<lora:([^:<>]+)(?::(?=(-?[0-9.]+)?)[^<>]*)?>", re.IGNORECASE)
_EMBEDDING = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"[a-z0-9]+")
_ENOUGH_WORDS = 2
_ENOUGH_SHARE = 0.6
_MOST_DEPENDENCIES = 40
_KINDS = {"lora": "LORA", "embedding": "TextualInversion"}


class PictureFacts:
    """Reads a picture's generation data as Studio's extension wants it (studio.md §7)."""

    def __init__(self, catalog: Catalog, civitai: CivitAI) -> None:
        self._catalog = catalog
        self._civitai = civitai

    def show(self, image_id: int) -> Json:
        """`{raw, resources, detected_deps, clean_prompt, meta, …, detected_type}`.

        Raises NotFound, upstream's errors; a dependency that CivitAI does not tell of is unknown.
        """
        raw = self._civitai.generation_reply(image_id)
        held = mapping(raw.get("result")).get("data")
        data = mapping(mapping(held).get("json", held))
        meta = mapping(data.get("meta"))
        prompt = text(meta.get("prompt"))
        resources = [self._resource(each) for each in mappings(data.get("resources"))]
        return {
            "raw": raw,
            "resources": resources,
            "detected_deps": [self._dependency(each) for each in _named(meta, resources)],
            "clean_prompt": " ".join(_LORA.sub("", prompt).split(" ")).strip(),
            "meta": meta,
            "type": text(data.get("type")) or "image",
            "process": data.get("process"),
            "techniques": mappings(data.get("techniques")),
            "tools": mappings(data.get("tools")),
            "detected_type": _detected(data, meta, resources),
        }

    def _resource(self, resource: Json) -> Json:
        version_id = integer(resource.get("versionId")) or integer(resource.get("modelVersionId"))
        return {**resource, "versionId": version_id, **self._status(version_id)}

    def _status(self, version_id: int | None) -> Json:
        """Whether a version is here, wanted or unknown to the catalogs."""
        found = self._catalog.of_version(version_id) if version_id is not None else []
        return self._status_of(found)

    def _status_of(self, found: list[Found]) -> Json:
        if not found:
            return {
                "catalog_status": "not_found",
                "catalog_file": None,
                "catalog_dest": None,
                "catalog_name": None,
            }
        here = next((each for each in found if self._catalog.is_present(each)), None)
        shown = here or found[0]
        return {
            "catalog_status": "present" if here else "missing",
            "catalog_file": shown.file,
            "catalog_dest": shown.dest,
            "catalog_name": text(shown.entry.get("name")),
        }

    def _dependency(self, named: Json) -> Json:
        try:
            version = self._version_of(named)
        except CuratorError:
            version = None
        if version is None:
            status = self._status_of(self._by_name(named["name"]))
            if status["catalog_status"] == "not_found":
                status["catalog_status"] = "unknown"
            return {**named, **_civitai_facts({}), **status}
        return {**named, **_civitai_facts(version), **self._status(integer(version.get("id")))}

    def _version_of(self, named: Json) -> Json | None:
        """By its hash, else by what is here under its name, else by the words of its name."""
        if named["hash"]:
            try:
                return self._civitai.version_by_hash(named["hash"])
            except NotFound:
                pass
        if self._by_name(named["name"]):
            return None
        kind = _KINDS[named["type"]]
        words = set(_WORD.findall(named["name"].lower()))
        if len(words) < _ENOUGH_WORDS:
            return None
        for model in self._civitai.search(" ".join(sorted(words)), kind):
            common = words & set(_WORD.findall(text(model.get("name")).lower()))
            versions = mappings(model.get("modelVersions"))
            enough = len(common) >= max(_ENOUGH_WORDS, _ENOUGH_SHARE * len(words))
            if versions and enough:
                told = {"name": model.get("name"), "type": model.get("type")}
                return {**versions[0], "modelId": model.get("id"), "model": told}
        return None

    def _by_name(self, name: str) -> list[Found]:
        """Entries whose file is called so, as prompts name it: without ending, in any case."""
        stem = name.casefold()
        return [
            found
            for file in self._catalog.files.values()
            for found in file.index.found
            if found.name.rpartition(".")[0].casefold() == stem
        ]


def _named(meta: Json, resources: list[Json]) -> Iterator[Json]:
    """What the texts name, each once: LoRAs, embeddings, further resources of the meta."""
    hashes = _hashes(meta)
    seen: set[str] = {text(each.get("modelName")).casefold() for each in resources}
    for each in _mentions(meta):
        key = each["name"].casefold()
        if key not in seen and len(seen) < _MOST_DEPENDENCIES + len(resources):
            seen.add(key)
            yield {**each, "hash": each["hash"] or hashes.get(key)}


def _mentions(meta: Json) -> Iterator[Json]:
    for found in _LORA.finditer(text(meta.get("prompt"))):
        yield _mention(found[1].strip(), number(found[2]), "lora", "prompt")
    for line in text(meta.get("negativePrompt")).splitlines():
        token = line.strip().rstrip(",")
        if _EMBEDDING.fullmatch(token):
            yield _mention(token, None, "embedding", "negative_prompt")
    for each in mappings(meta.get("resources")):
        if text(each.get("type")).lower() == "lora" and text(each.get("name")):
            mention = _mention(each["name"], number(each.get("weight")), "lora", "meta_resources")
            yield {**mention, "hash": text(each.get("hash")) or None}


def _mention(name: str, weight: float | None, kind: str, source: str) -> Json:
    return {"name": name, "weight": weight, "type": kind, "source": source, "hash": None}


def _hashes(meta: Json) -> dict[str, str]:
    """`{"lora:name": "abc…"}` of some programs, and the hashes of the resources, by name."""
    told = {
        key.partition(":")[2].casefold(): text(value)
        for key, value in mapping(meta.get("hashes")).items()
        if key.lower().startswith(("lora:", "embed:"))
    }
    for each in mappings(meta.get("resources")):
        if text(each.get("hash")):
            told.setdefault(text(each.get("name")).casefold(), each["hash"])
    return {name: value for name, value in told.items() if value}


def _civitai_facts(version: Mapping[str, Any]) -> Json:
    model = mapping(version.get("model"))
    try:
        file: Json = chosen_file(version, None)
    except (Impossible, NotFound):
        file = {}
    return {
        "civitai_model_id": integer(version.get("modelId")),
        "civitai_version_id": integer(version.get("id")),
        "civitai_model_name": text(model.get("name")) or None,
        "civitai_version_name": text(version.get("name")) or None,
        "civitai_base_model": text(version.get("baseModel")) or None,
        "civitai_type": text(model.get("type")) or None,
        "civitai_file": text(file.get("name")) or None,
        "civitai_download_url": text(file.get("downloadUrl")) or None,
    }


def _detected(data: Json, meta: Json, resources: list[Json]) -> str:
    """`t2i`, `i2i`, `i2v`, `t2v` or `unknown`, by the rules of studio.md §7."""
    techniques = " ".join(text(each.get("name")) for each in mappings(data.get("techniques")))
    process = text(data.get("process")).lower()
    if text(data.get("type")) == "video":
        bases = " ".join(text(each.get("baseModel")) for each in resources)
        for told in (text(meta.get("workflow")), techniques, bases):
            if re.search("img2vid|i2v", told, re.IGNORECASE):
                return "i2v"
            if re.search("txt2vid|t2v", told, re.IGNORECASE):
                return "t2v"
        return "t2v"
    if "txt2img" in process or "txt2img" in techniques.lower():
        return "t2i"
    return "i2i" if "img2img" in process else "unknown"
