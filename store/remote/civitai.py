"""CivitAI: its REST and tRPC answers as plain data, and its files."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, cast
from urllib.parse import quote, urlencode

from ..errors import BadInput, NotFound, UpstreamBusy, UpstreamFailed
from ..json_values import is_object, mapping, mappings, text
from ..settings import Settings
from .addresses import AddressRefused
from .http import GONE, Downloaded, Http, Timeouts
from .image_lists import UNDEFINED, ImageQuery, ListedPage, read_generations, read_tags

_ABSENT = GONE | {400}
"""To a number that no record can have it answers 400."""

_NOT_JSON = "CivitAI answered with something else than it should."


class CivitAI:
    """Asks CivitAI. All raise BadInput (`civitai_key`), NotFound, UpstreamBusy, UpstreamFailed."""

    def __init__(self, settings: Settings, *, timeouts: Timeouts | None = None) -> None:
        """Bases are fixed by the options; the key is read anew for each call."""
        self.http = Http(settings, timeouts=timeouts)
        self._base = settings.options.civitai
        self._images = settings.options.civitai_images

    def image(self, image_id: int) -> dict[str, Any]:
        """What `image.get` knows of a picture; `url` is there, usually a bare UUID."""
        missing = f"CivitAI has no image with id {image_id}."
        found = self._trpc("image.get", {"id": image_id}, missing=missing)
        if not is_object(found):
            raise NotFound(missing)
        if not isinstance(found.get("url"), str) or not found["url"]:
            raise UpstreamFailed(_NOT_JSON)
        return found

    def generation(self, image_id: int) -> dict[str, Any]:
        """What `image.getGenerationData` tells: meta, resources, tools …; `{}` when nothing."""
        try:
            found = self._trpc("image.getGenerationData", {"id": image_id}, missing="nothing")
        except NotFound:
            return {}
        return mapping(found)

    def model(self, model_id: int) -> dict[str, Any]:
        """A model with its versions, as the REST API shows it."""
        return self._rest(f"/api/v1/models/{model_id}", f"CivitAI has no model {model_id}.")

    def version(self, version_id: int) -> dict[str, Any]:
        """A model version with its files, as the REST API shows it."""
        missing = f"CivitAI has no model version {version_id}."
        return self._rest(f"/api/v1/model-versions/{version_id}", missing)

    def models(self, model_ids: Sequence[int]) -> list[dict[str, Any]]:
        """Several models, at most 100 of them; those that CivitAI does not show are not there."""
        ids = ",".join(map(str, model_ids))
        return self._items("/api/v1/models", {"ids": ids, "limit": 100, "nsfw": "true"})

    def search(self, query: str, kind: str) -> list[dict[str, Any]]:
        """The first models of a type (`LORA`) that CivitAI finds for some words."""
        return self._items("/api/v1/models", {"query": query, "types": kind, "limit": 3})

    def images_of(self, model_id: int) -> list[dict[str, Any]]:
        """The newest pictures of a model, with their meta."""
        asked = {"modelId": model_id, "limit": 20, "withMeta": "true", "sort": "Newest"}
        return self._items("/api/v1/images", asked)

    def listed(self, asked: ImageQuery, cursor: Any = None) -> ListedPage:
        """A page of the community's pictures, by tRPC or by REST; `cursor` is that of the last."""
        if asked.rest:
            question = urlencode(asked.parameters(cursor))
            found = self._rest(f"/api/v1/images?{question}", "CivitAI has no such list.")
            cursor = mapping(found.get("metadata")).get("nextCursor")
        else:
            given = asked.procedure_input(cursor)
            found = self._trpc("image.getInfinite", given, missing="CivitAI has no such list.")
            found = mapping(found)
            cursor = found.get("nextCursor")
        if not isinstance(found.get("items"), list):
            raise UpstreamFailed("CivitAI answered with something else than a list of pictures.")
        return ListedPage(mappings(found["items"]), cursor)

    def tags(self, tag_ids: Sequence[int]) -> dict[int, dict[str, Any] | None]:
        """Tags by id, at most 50 asked for; None for an unknown one, absent where asking failed."""
        try:
            return read_tags(tag_ids, self._batch("tag.getById", tag_ids))
        except NotFound:
            return dict.fromkeys(tag_ids)

    def generations(self, image_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """As `generation`, of several at once; absent are those that could not be asked for.

        Raises UpstreamFailed or NotFound where several cannot be asked for.
        """
        told = self._batch("image.getGenerationData", image_ids)
        if not isinstance(told, list):
            raise UpstreamFailed(_NOT_JSON)
        return read_generations(image_ids, cast("list[Any]", told))

    def version_by_hash(self, sha256: str) -> dict[str, Any]:
        """The version that has a file of this hash (of any kind that CivitAI knows)."""
        missing = "CivitAI knows no file of this hash."
        name = quote(sha256.upper(), safe="")
        return self._rest(f"/api/v1/model-versions/by-hash/{name}", missing)

    def versions_by_hash(self, hashes: Sequence[str]) -> list[dict[str, Any]] | None:
        """The versions that have files of these SHA-256, at most 100; unknown ones are absent.

        None where CivitAI does not take several at once.
        """
        address = f"{self._base}/api/v1/model-versions/by-hash"
        try:
            found = self.http.json(
                address, missing="", absent=GONE | {405}, body=[each.upper() for each in hashes]
            )
        except NotFound:
            return None
        return mappings(found)

    def generation_reply(self, image_id: int) -> dict[str, Any]:
        """What `image.getGenerationData` answers, the envelope too."""
        missing = f"CivitAI has no image with id {image_id}."
        return self._envelope("image.getGenerationData", {"id": image_id}, missing=missing)

    def media_address(self, uuid: str, kind: str) -> str:
        """Where a picture's original lies; a whole address, as REST answers have it, is kept."""
        if uuid.startswith(("http://", "https://")):
            return uuid
        name = quote(uuid, safe="")
        ending = "mp4" if kind == "video" else "jpeg"
        return f"{self._images}/{name}/original=true/{name}.{ending}"

    def image_page(self, image_id: int | str) -> str:
        """The page where a person sees the picture; never with a key in it."""
        return f"{self._base}/images/{image_id}"

    def model_page(self, model_id: int, version_id: int | None = None) -> str:
        """The page where a person sees the model."""
        picked = f"?modelVersionId={version_id}" if version_id else ""
        return f"{self._base}/models/{model_id}{picked}"

    def file_address(self, version_id: int, file: Mapping[str, Any]) -> str:
        """Where a version's file is downloaded: as its answer says, if that is CivitAI's own."""
        told = text(file.get("downloadUrl"))
        with contextlib.suppress(AddressRefused):
            base = self.http.base_of(told)
            if base is not None and base.address == self._base:
                return told
        address = f"{self._base}/api/download/models/{version_id}"
        if file.get("primary") is True:
            return address
        named = {"type": file.get("type"), **mapping(file.get("metadata"))}
        query = {key: named[key] for key in ("type", "format", "size", "fp") if named.get(key)}
        return f"{address}?{urlencode(query)}" if query else address

    def download(
        self,
        address: str,
        target: IO[bytes],
        *,
        limit: int,
        check: Callable[[], object] | None = None,
        need: Callable[[int], object] | None = None,
    ) -> Downloaded:
        """Stream a picture or video into `target`; the key is not shown for it.

        `check` is called with each piece, `need` with the bytes that it will take; both may raise.
        """
        missing = "CivitAI no longer has the file of this picture."
        return self.http.download(
            address, target, limit=limit, missing=missing, check=check, need=need
        )

    def close(self) -> None:
        """End what is under way."""
        self.http.close()

    def _rest(self, path: str, missing: str) -> dict[str, Any]:
        found = self.http.json(self._base + path, missing=missing, absent=_ABSENT)
        if not is_object(found):
            raise UpstreamFailed(_NOT_JSON)
        return found

    def _trpc(self, procedure: str, given: Mapping[str, Any], *, missing: str) -> Any:
        """The value in the envelope; superjson's dates stay ISO text, its undefined is null."""
        data = mapping(self._envelope(procedure, given, missing=missing)["result"]).get("data")
        return data["json"] if is_object(data) and "json" in data else data

    def _items(self, path: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = self._rest(f"{path}?{urlencode(asked)}", "CivitAI has no such list.")
        return mappings(found.get("items"))

    def _batch(self, procedure: str, ids: Sequence[int]) -> Any:
        """The answers to one procedure for several ids, in their order."""
        names = ",".join([procedure] * len(ids))
        given = {str(place): {"json": {"id": each}} for place, each in enumerate(ids)}
        question = quote(json.dumps(given, separators=(",", ":")), safe="")
        address = f"{self._base}/api/trpc/{names}?batch=1&input={question}"
        return self.http.json(address, missing="", accepted=frozenset((200, 207)))

    def _envelope(
        self, procedure: str, given: Mapping[str, Any], *, missing: str
    ) -> dict[str, Any]:
        asked: dict[str, Any] = {"json": given}
        undefined = [name for name, value in given.items() if value is UNDEFINED]
        if undefined:
            # On later pages a strict server would take the mark for the cursor that is there.
            asked["json"] = {**given, **dict.fromkeys(undefined)}
            asked["meta"] = {"values": {name: ["undefined"] for name in undefined}}
        question = quote(json.dumps(asked, separators=(",", ":")), safe="")
        address = f"{self._base}/api/trpc/{procedure}?input={question}"
        envelope = self.http.json(address, missing=missing, absent=_ABSENT)
        if not is_object(envelope) or not {"error", "result"} & envelope.keys():
            raise UpstreamFailed(_NOT_JSON)
        if "error" in envelope:
            _raise_error(envelope["error"], missing)
        return envelope


def _raise_error(error: Any, missing: str) -> None:
    """An error that came with status 200."""
    status = mapping(mapping(mapping(error).get("json")).get("data")).get("httpStatus")
    if status in (401, 403):
        raise BadInput(
            "CivitAI shows this only with a key. Make one in your account there and enter it in "
            "the settings.",
            field="civitai_key",
        )
    if status in (404, 410):
        raise NotFound(missing)
    if status in (429, 503):
        raise UpstreamBusy("CivitAI is busy. Try again later.", retry_after=10)
    raise UpstreamFailed("CivitAI answered with an error.")
