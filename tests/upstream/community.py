"""The pictures and videos that people have shared, with how they were made."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from . import films, pictures
from .catalogue import CREATORS, START
from .records import Content, Image, Json, Model, Tag, Version

_SCENES = (
    "a lantern by the river at dusk",
    "paper boats on a flooded street",
    "an old harbour in the fog",
    "meadow with a lone tree, wide shot",
    "rain on a window, city lights behind",
    "portrait of a fox in a red scarf",
    "mountain hut under a sky full of stars",
)
_STYLES = ("masterpiece, best quality", "score_9, score_8_up", "film grain, 35mm", "flat colours")
_NEGATIVE = "lowres, blurry, watermark\neasy_hands"
SHORT_PROMPT_COUNT = len(_SCENES) * len(_STYLES)
BIG_SEED = 2**64 + 5
"""Beyond 64 bits, as some programs write seeds."""

GALLERIES = ("lora", "locon", "checkpoint", "checkpoint_flux")
"""Models whose community shares as many pictures as the world is asked for."""
_TAG_KINDS = ("UserGenerated", "Label", "Moderation", "System")
TAG_COUNT = 90
_LOST_TAGS = (7, 41)


def tag_ids() -> list[int]:
    """Every id that images carry; CivitAI no longer knows some of them."""
    return [1600 + number for number in range(TAG_COUNT)]


def build_tags() -> dict[int, Tag]:
    """The tags that are still known."""
    return {
        tag_id: Tag(tag_id, f"tag {number}", _TAG_KINDS[number % len(_TAG_KINDS)])
        for number, tag_id in enumerate(tag_ids())
        if number not in _LOST_TAGS
    }


@dataclass(frozen=True)
class Oddity:
    """One picture that differs from the others in one thing."""

    label: str
    make: Callable[[str, int, int], bytes] = pictures.jpeg
    content_type: str = "image/jpeg"
    kind: str = "image"
    size: tuple[int, int] = (512, 768)
    resources: str = "full"
    model: str = "lora"
    meta: str = "full"
    is_lost: bool = False
    redirected: bool = False


def _comfyui_png(salt: str, width: int, height: int) -> bytes:
    texts = pictures.comfyui_texts("a lantern by the river, workflow inside", _NEGATIVE, 4242)
    return pictures.png(salt, width, height, texts)


def _a1111_png(salt: str, width: int, height: int) -> bytes:
    texts = pictures.a1111_texts("an old harbour <lora:lantern_glow:0.8>", _NEGATIVE, 777)
    return pictures.png(salt, width, height, texts)


def _frameless(salt: str, width: int, height: int) -> bytes:
    return films.frameless()


_WAN = "checkpoint_wan"
ODDITIES = (
    Oddity("png_as_jpeg", pictures.png, "image/png"),
    Oddity("webp_as_jpeg", pictures.webp, "image/webp"),
    Oddity("webp_said_jpeg", pictures.webp, "image/jpeg"),
    Oddity("comfyui_png", _comfyui_png, "image/png"),
    Oddity("a1111_png", _a1111_png, "image/png", meta="lora_in_prompt"),
    Oddity("exif_turned", pictures.turned_jpeg),
    Oddity("animated_webp", pictures.animated_webp, "image/webp", size=(320, 320)),
    Oddity("tiny", size=(1, 1)),
    Oddity("no_meta", meta="hidden"),
    Oddity("empty_meta", meta="empty"),
    Oddity("big_seed", meta="big_seed"),
    Oddity("hostile_prompt", meta="hostile"),
    Oddity("version_id_only", resources="versionId"),
    Oddity("model_version_id_only", resources="modelVersionId"),
    Oddity("model_id_only", resources="modelId"),
    Oddity("no_resources", resources="none"),
    Oddity("no_lora", resources="checkpoint"),
    Oddity("removed_resource", resources="removed"),
    Oddity("lost", is_lost=True),
    Oddity("redirected", redirected=True),
    Oddity("flux", model="checkpoint_flux"),
    Oddity("video", films.mp4, "video/mp4", "video", (320, 240), model=_WAN, meta="video"),
    Oddity("video_webm", films.webm, "video/webm", "video", (320, 240), model=_WAN, meta="video"),
    Oddity("video_frameless", _frameless, "video/mp4", "video", (320, 240), model=_WAN),
)


class Community:
    """Makes the images of a world; ids go up from 70000001."""

    def __init__(self, seed: int, models: Iterable[Model]) -> None:
        self._seed = seed
        self._models = {model.label: model for model in models}
        self._versions = {version.id: model for model in models for version in model.versions}
        self._next = 70_000_001
        self.images: list[Image] = []

    def build(self, count: int) -> list[Image]:
        """`count` a gallery, some for the others, and the oddities; cards join their versions."""
        for oddity in ODDITIES:
            model = self._models[oddity.model]
            self._add(model, model.versions[0], oddity)
        for label, model in self._models.items():
            if label == "empty":
                continue
            for version in model.versions:
                # A card is a picture of the creator's; every other one shows in lists too.
                version.cards.extend(
                    self._add(model, version, Oddity(""), card=True, community=place % 2 == 0)
                    for place in range(3)
                )
            plain = count if label in GALLERIES else 2
            for place in range(plain):
                self._add(model, model.versions[place % len(model.versions)], Oddity(""))
        lora = self._models["lora"].versions[0]
        video = self._models[_WAN].versions[0]
        video.cards.append(next(image for image in self.images if image.label == "video"))
        lora.cards.append(next(image for image in self.images if image.label == "comfyui_png"))
        return self.images

    def _add(
        self,
        model: Model,
        version: Version,
        oddity: Oddity,
        *,
        card: bool = False,
        community: bool = True,
    ) -> Image:
        number = self._next
        self._next += 1
        salt = f"{self._seed}:image:{number}"
        choice = random.Random(salt)
        width, height = oddity.size if oddity.label else choice.choice(pictures.SIZES)
        make, content_type = oddity.make, oddity.content_type
        if not oddity.label:
            make, content_type = choice.choices(
                (
                    (pictures.jpeg, "image/jpeg"),
                    (pictures.png, "image/png"),
                    (pictures.webp, "image/webp"),
                ),
                (8, 1, 1),
            )[0]
        versions = self._used(version, oddity)
        image = Image(
            number,
            str(uuid.UUID(int=choice.getrandbits(128), version=4)),
            Content(partial(make, salt, width, height)),
            oddity.kind,
            content_type,
            width,
            height,
            model.creator if card else choice.choice(CREATORS),
            post_id=900_000 + number % 100_000 // 3,
            post_title=choice.choice((None, "Evening set", "テスト <b>post</b>")),
            created=START + timedelta(minutes=choice.randrange(240 * 24 * 60)),
            level=1 if oddity.label else choice.choices((1, 2, 4, 8, 16), (12, 4, 2, 1, 1))[0],
            base_model=version.base_model,
            version_ids=versions,
            stats={
                name: choice.randrange(40)
                for name in ("cry", "laugh", "like", "dislike", "heart", "comment", "collected")
            },
            meta=self._meta(choice, version, oddity, number),
            generation=self._generation(number, versions, oddity),
            tag_ids=tuple(choice.sample(tag_ids(), choice.randrange(3, 9))),
            duration=films.FRAMES / films.RATE if oddity.kind == "video" else None,
            community=community,
            is_card=card,
            is_lost=oddity.is_lost,
            redirected=oddity.redirected,
            label=oddity.label,
        )
        self.images.append(image)
        return image

    def _used(self, version: Version, oddity: Oddity) -> tuple[int, ...]:
        """The versions that an image was made with, as CivitAI lists them."""
        if oddity.resources == "none":
            return (version.id,)
        checkpoint = self._models["checkpoint"].versions[0].id
        if oddity.resources == "removed":
            return (version.id, self._models["removed"].versions[0].id)
        if oddity.kind == "video" or version.id == checkpoint:
            return (version.id,)
        return (version.id, checkpoint)

    def _meta(
        self, choice: random.Random, version: Version, oddity: Oddity, number: int
    ) -> Json | None:
        if oddity.meta == "hidden" or (not oddity.label and number % 11 == 0):
            return None
        if oddity.meta == "empty":
            return {}
        prompt = f"{choice.choice(_STYLES)}, {choice.choice(_SCENES)}, number {number}"
        model = self._versions[version.id]
        meta: Json = {
            "prompt": prompt,
            "negativePrompt": _NEGATIVE,
            "steps": choice.randrange(20, 40),
            "sampler": choice.choice(("Euler a", "DPM++ 2M Karras", "euler")),
            "cfgScale": choice.choice((3.5, 5, 7)),
            "seed": choice.randrange(2**32),
            "Model": "meadow_v20_pruned_fp16",
            "resources": [
                {"name": model.name, "type": model.kind.lower(), "weight": 0.8},
            ],
        }
        if oddity.meta == "lora_in_prompt":
            meta["prompt"] += " <lora:lantern_glow_v1_0:0.8>"
        if oddity.meta == "big_seed":
            meta["seed"] = BIG_SEED
        if oddity.meta == "hostile":
            meta["prompt"] = (
                "<script>alert(1)</script>\u202e\u0000 \U0001f98a ../../etc" + "x" * 9000
            )
        if oddity.meta == "video":
            meta["workflow"] = "img2vid"
        return meta

    def _generation(self, number: int, versions: tuple[int, ...], oddity: Oddity) -> Json:
        told: Json = {
            "type": oddity.kind,
            "onSite": False,
            "process": "img2vid" if oddity.kind == "video" else "txt2img",
            "resources": self._resources(number, versions, oddity.resources),
            "tools": [
                {
                    "id": 12,
                    "name": "ComfyUI",
                    "icon": "comfyui",
                    "domain": "comfyui.example",
                    "priority": 1,
                    "notes": None,
                }
            ],
            "techniques": [{"id": 1, "name": "txt2img", "notes": None}],
            "external": None,
            "canRemix": oddity.meta != "hidden",
            "remixOfId": None,
        }
        return told

    def _resources(self, number: int, versions: tuple[int, ...], form: str) -> list[Json]:
        if form == "none":
            return []
        chosen = versions[-1:] if form == "checkpoint" else versions
        resources: list[Json] = []
        for version_id in chosen:
            model = self._versions[version_id]
            version = next(each for each in model.versions if each.id == version_id)
            full: Json = {
                "imageId": number,
                "modelVersionId": version.id,
                "versionId": version.id,
                "modelId": model.id,
                "modelName": model.name,
                "modelType": model.kind,
                "versionName": version.name,
                "baseModel": version.base_model,
            }
            if model.kind in ("LORA", "LoCon", "DoRA"):
                full["strength"] = 0.8
            if form in ("versionId", "modelVersionId", "modelId"):
                full = {"imageId": number, form: full[form], "modelType": model.kind}
            resources.append(full)
        return resources
