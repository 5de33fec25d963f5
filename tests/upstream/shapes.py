"""Models, versions and images in the JSON of CivitAI's answers."""

from __future__ import annotations

import random
from datetime import datetime
from urllib.parse import urlencode

from .catalogue import air, metadata
from .records import File, Image, Json, Model, Version
from .site import Site

LEVELS = {1: "None", 2: "Soft", 4: "Mature", 8: "X", 16: "X", 32: "Blocked"}


def moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def model(site: Site, shown: Model) -> Json:
    """As `/api/v1/models/{id}` has it."""
    archived = shown.mode == "Archived"
    told: Json = {
        "id": shown.id,
        "name": shown.name,
        "description": shown.description,
        "allowNoCredit": True,
        "allowCommercialUse": ["Image"],
        "allowDerivatives": True,
        "type": shown.kind,
        "minor": False,
        "poi": False,
        "nsfw": shown.nsfw,
        "nsfwLevel": 28 if shown.nsfw else 1,
        "cosmetic": None,
        "supportsGeneration": True,
        "stats": {
            "downloadCount": 1200 + shown.id % 1000,
            "thumbsUpCount": 90,
            "thumbsDownCount": 1,
            "commentCount": 7,
            "tippedAmountCount": 0,
        },
        "creator": {"username": shown.creator.name, "image": None},
        "tags": list(shown.tags),
        "modelVersions": [
            _version_of_model(site, shown, each, place, archived)
            for place, each in enumerate(shown.versions)
        ],
    }
    if shown.mode is not None:
        told["mode"] = shown.mode
    return told


def version(site: Site, shown: Version) -> Json:
    """As `/api/v1/model-versions/{id}` has it."""
    parent = site.world.model_of(shown)
    told: Json = {
        "id": shown.id,
        "modelId": parent.id,
        "name": shown.name,
        **_version_facts(shown),
        "updatedAt": moment(shown.created),
        "uploadType": "Created",
        "usageControl": shown.usage,
        "air": air(parent, shown),
        "model": {
            "name": parent.name,
            "type": parent.kind,
            "nsfw": parent.nsfw,
            "poi": False,
            **({"mode": parent.mode} if parent.mode else {}),
        },
        "files": [] if parent.mode else [file(site, shown, each) for each in shown.files],
        "images": [card(site, each) for each in shown.cards],
        "downloadUrl": _download(site, shown),
    }
    if shown.early_access:
        told["earlyAccessEndsAt"] = moment(shown.early_access)
    return told


def _version_of_model(
    site: Site, parent: Model, shown: Version, place: int, archived: bool
) -> Json:
    return {
        "id": shown.id,
        "index": place,
        "name": shown.name,
        **_version_facts(shown),
        "nsfwLevel": 28 if parent.nsfw else 1,
        "availability": "EarlyAccess" if shown.early_access else "Public",
        "supportsGeneration": True,
        "files": [] if archived else [file(site, shown, each) for each in shown.files],
        "images": [card(site, each) for each in shown.cards],
        "downloadUrl": _download(site, shown),
    }


def _version_facts(shown: Version) -> Json:
    return {
        "baseModel": shown.base_model,
        "baseModelType": "Standard",
        "createdAt": moment(shown.created),
        "publishedAt": moment(shown.created),
        "status": "Published",
        "description": None,
        "trainedWords": list(shown.words),
        "covered": True,
        "stats": {"downloadCount": 300 + shown.id % 300, "thumbsUpCount": 40, "thumbsDownCount": 0},
    }


def file(site: Site, parent: Version, shown: File) -> Json:
    """A file; only the primary one says that it is."""
    told: Json = {
        "id": shown.id,
        "sizeKB": len(shown.content.data) / 1024,
        "name": shown.name,
        "type": shown.kind,
        "pickleScanResult": "Success",
        "pickleScanMessage": "No Pickle imports",
        "virusScanResult": "Success",
        "virusScanMessage": None,
        "scannedAt": moment(parent.created),
        "metadata": metadata(shown),
        "hashes": dict(shown.content.hashes),
        "downloadUrl": _download(site, parent, shown),
    }
    if shown.primary:
        told["primary"] = True
    return told


def card(site: Site, shown: Image) -> Json:
    """An image of a version: its number stands only in the address."""
    name = shown.uuid if site.switches.cards_named_by_uuid else shown.id
    return {
        "url": f"{site.images}/{shown.uuid}/original=true/{name}.{ending(shown)}",
        "nsfwLevel": shown.level,
        "width": shown.width,
        "height": shown.height,
        "hash": _blurhash(shown),
        "type": shown.kind,
        "minor": False,
        "poi": False,
        "hasMeta": bool(shown.meta),
        "hasPositivePrompt": bool(shown.meta),
        "onSite": False,
        "remixOfId": None,
    }


def rest_image(site: Site, shown: Image, *, with_meta: bool) -> Json:
    """An item of `/api/v1/images`."""
    meta = shown.meta if with_meta else None
    if meta is not None and site.switches.wraps_meta and shown.id % 2:
        meta = {"id": shown.id, "meta": meta}
    return {
        "id": shown.id,
        "url": f"{site.images}/{shown.uuid}/original=true/{shown.uuid}.{ending(shown)}",
        "hash": _blurhash(shown),
        "width": shown.width,
        "height": shown.height,
        "nsfwLevel": LEVELS[shown.level],
        "type": shown.kind,
        "nsfw": shown.level > 1,
        "browsingLevel": shown.level,
        "createdAt": moment(shown.created),
        "postId": shown.post_id,
        "stats": {
            f"{name}Count": count for name, count in shown.stats.items() if name != "collected"
        },
        "meta": meta,
        "username": shown.creator.name,
        "baseModel": shown.base_model,
        "modelVersionIds": list(shown.version_ids),
    }


def trpc_image(shown: Image, *, with_meta: bool = False) -> Json:
    """An image as tRPC tells it: its address is a bare UUID, stats have other names."""
    told: Json = {
        "id": shown.id,
        "name": f"{shown.id}.{ending(shown)}",
        "url": shown.uuid,
        "nsfwLevel": shown.level,
        "width": shown.width,
        "height": shown.height,
        "hash": _blurhash(shown),
        "type": shown.kind,
        "mimeType": shown.content_type,
        "metadata": _metadata(shown),
        "hideMeta": shown.meta is None,
        "hasMeta": bool(shown.meta),
        "hasPositivePrompt": bool(shown.meta),
        "onSite": False,
        "postId": shown.post_id,
        "createdAt": moment(shown.created),
        "publishedAt": moment(shown.created),
        "baseModel": shown.base_model,
        "modelVersionIds": list(shown.version_ids),
        "user": {
            "id": shown.creator.id,
            "username": shown.creator.name,
            "image": None,
            "deletedAt": None,
        },
        "stats": {f"{name}CountAllTime": count for name, count in shown.stats.items()},
        "tagIds": list(shown.tag_ids),
        "reactions": [],
        "cosmetic": None,
        "meta": shown.meta if with_meta else None,
    }
    if shown.post_title is not None:
        told["postTitle"] = shown.post_title
    return told


def generation(shown: Image) -> Json:
    """What `image.getGenerationData` answers; `meta` is absent where it is hidden."""
    return (
        dict(shown.generation) if shown.meta is None else {**shown.generation, "meta": shown.meta}
    )


def ending(shown: Image) -> str:
    return "mp4" if shown.kind == "video" else "jpeg"


def _download(site: Site, parent: Version, shown: File | None = None) -> str:
    address = f"{site.civitai}/api/download/models/{parent.id}"
    if shown is None or shown is parent.primary:
        return address
    return f"{address}?{urlencode({'type': shown.kind, **metadata(shown)})}"


def _metadata(shown: Image) -> Json:
    told: Json = {"hash": _blurhash(shown), "width": shown.width, "height": shown.height}
    if shown.kind == "video":
        told |= {"duration": shown.duration, "audio": False}
    return told


def _blurhash(shown: Image) -> str:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
    return "U" + "".join(random.Random(shown.uuid).choices(letters, k=35))
