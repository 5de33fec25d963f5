"""What a pasted address means: a model of CivitAI, a repository of Hugging Face, or a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from .catalog_entries import without_keys
from .errors import BadInput
from .remote.addresses import AddressRefused, check_foreign
from .settings import Options

_CIVITAI = re.compile(r"(?:www\.)?civitai\.(?:com|red|green)")
_HUGGINGFACE = re.compile(r"(?:www\.)?(?:huggingface\.co|hf\.co)")
_ITS_SITE = re.compile(rf"(?:{_CIVITAI.pattern}|{_HUGGINGFACE.pattern})/")
"""As people type it, without https://."""
_AIR = re.compile(
    r"(?:urn:)?(?:air:)?(?:[\w.-]+:){0,2}(?P<source>civitai|huggingface):"
    r"(?P<id>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<version>[\w.-]+))?(?:[:.].*)?",
    re.IGNORECASE,
)
_REPOSITORY = re.compile(
    r"(?P<name>[\w][\w.-]{0,95}/[\w][\w.-]{0,95})(?:@(?P<revision>[\w.-]{1,100}))?"
    r"(?:/(?P<path>[^\x00-\x1f]{1,500}))?"
)
_MODEL = re.compile(r"/(?:api/v1/)?models/([0-9]{1,18})(?:/.*)?")
_VERSION = re.compile(
    r"/(?:api/v1/model-versions|api/download/models|model-versions)/([0-9]{1,18})"
)
_REVISION = r"(refs/[^/]+/[^/]+|[^/]+)"
_HUB_FILE = re.compile(rf"/([^/]+(?:/[^/]+)?)/(?:resolve|blob|raw)/{_REVISION}/(.+)")
_HUB_TREE = re.compile(rf"/([^/]+/[^/]+)(?:/tree/{_REVISION}(?:/(.*))?)?")
_FILE_TOLD_BY = ("type", "format", "size", "fp")
_FIELD = "address"


@dataclass(frozen=True)
class OfCivitAI:
    """A model, a version of it, or both; at least one is known."""

    model_id: int | None
    version_id: int | None
    file: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which of its files, as a download's address says it: `type`, `format`, `size`, `fp`."""


@dataclass(frozen=True)
class OfHuggingFace:
    """A repository; `path` is a file's, empty for all of it, ends with `/` for a folder's.

    Of `owner/name/path` nobody can tell whether a file or a folder is meant.
    """

    repository: str
    path: str
    revision: str = "main"


@dataclass(frozen=True)
class OfAddress:
    """A plain address, without keys in it, and the file name that it ends with."""

    url: str
    name: str


Meant = OfCivitAI | OfHuggingFace | OfAddress


def understand(address: str, options: Options) -> Meant:
    """What an address means. Raises BadInput (`address`)."""
    address = address.strip()
    if _ITS_SITE.match(address):
        address = f"https://{address}"
    if "://" not in address:
        return _short(address)
    try:
        check_foreign(without_keys(address))
        parts = urlsplit(address)
    except (AddressRefused, ValueError) as error:
        raise BadInput(str(error), field=_FIELD) from error
    place = (parts.scheme, parts.netloc)
    if _CIVITAI.fullmatch(parts.hostname or "") or place == _place_of(options.civitai):
        return _of_civitai(parts)
    if _HUGGINGFACE.fullmatch(parts.hostname or "") or place == _place_of(options.huggingface):
        return _of_huggingface(parts)
    name = unquote(parts.path).rpartition("/")[2]
    if not name:
        raise BadInput("This address names no file.", field=_FIELD)
    return OfAddress(without_keys(address), name)


def _short(text: str) -> Meant:
    """What is no whole address: an AIR, or `owner/name` of Hugging Face."""
    air = _AIR.fullmatch(text)
    if air and air["source"].lower() == "civitai" and air["id"].isdigit():
        version = air["version"] or ""
        return OfCivitAI(int(air["id"]), int(version) if version.isdigit() else None)
    if air and air["source"].lower() == "huggingface" and "/" in air["id"]:
        return OfHuggingFace(air["id"], "")
    hub = _REPOSITORY.fullmatch(text)
    if hub:
        return _in_hub(hub["name"], hub["path"] or "", hub["revision"] or "main")
    raise BadInput(
        "Neither an address (https://…) nor an AIR nor a repository of Hugging Face.", field=_FIELD
    )


def _of_civitai(parts: SplitResult) -> Meant:
    said = parse_qs(parts.query).get("modelVersionId", [""])[0]
    version = int(said) if said.isascii() and said.isdigit() and len(said) < 19 else None
    model = _MODEL.fullmatch(parts.path)
    if model:
        return OfCivitAI(int(model[1]), version)
    found = _VERSION.fullmatch(parts.path.rstrip("/"))
    if found:
        query = parse_qs(parts.query)
        file = {name: query[name][0].lower() for name in _FILE_TOLD_BY if name in query}
        return OfCivitAI(None, int(found[1]), file)
    raise BadInput("This page of CivitAI is not that of a model.", field=_FIELD)


def _of_huggingface(parts: SplitResult) -> Meant:
    path = unquote(parts.path).rstrip("/")
    if path.startswith(("/datasets/", "/spaces/")):
        raise BadInput("This page of Hugging Face is not that of a model.", field=_FIELD)
    path = path.removeprefix("/api/models").removeprefix("/models")
    file = _HUB_FILE.fullmatch(path)
    if file:
        return _in_hub(file[1], file[3], file[2])
    tree = _HUB_TREE.fullmatch(path)
    if tree:
        return _in_hub(tree[1], f"{tree[3]}/" if tree[3] else "", tree[2] or "main")
    raise BadInput("This page of Hugging Face is not that of a model.", field=_FIELD)


def _in_hub(repository: str, path: str, revision: str) -> OfHuggingFace:
    steps = path.rstrip("/").split("/") if path else []
    if any(step in ("", ".", "..") for step in (*steps, *repository.split("/"), revision)):
        raise BadInput("This is no path in a repository of Hugging Face.", field=_FIELD)
    return OfHuggingFace(repository, path, revision)


def _place_of(base: str) -> tuple[str, str]:
    parts = urlsplit(base)
    return (parts.scheme, parts.netloc)
