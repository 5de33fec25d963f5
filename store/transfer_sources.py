"""Where a transfer's bytes are had, and what is announced of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .civitai_types import chosen_file, restriction
from .errors import Impossible
from .json_values import mapping, mappings, text
from .remote.addresses import AddressRefused, origin_of
from .remote.civitai import CivitAI
from .remote.huggingface import HuggingFace


@dataclass(frozen=True)
class Offer:
    """An address to fetch from; `size` is 0 and `sha256` empty when they are not announced."""

    address: str
    missing: str
    """The text for when nothing is there."""
    size: int = 0
    sha256: str = ""


class Sources:
    """Asks CivitAI and Hugging Face for the addresses of their files."""

    def __init__(self, civitai: CivitAI, huggingface: HuggingFace) -> None:
        self._civitai = civitai
        self._huggingface = huggingface

    def host(self, source: Mapping[str, Any]) -> str:
        """Who is asked first; a few transfers at once are enough for each."""
        if source["kind"] != "url":
            return str(source["kind"])
        try:
            return origin_of(source["url"]).host
        except AddressRefused:
            return ""

    def offer(self, source: Mapping[str, Any], sha256: str) -> Offer:
        """The file's address and what is announced of it; `sha256` is the wanted one, if known.

        Raises what CivitAI and Hugging Face raise, Impossible for what is not handed out.
        """
        if source["kind"] == "civitai":
            return self._of_version(source["version_id"], source["file_id"], sha256)
        if source["kind"] == "huggingface":
            revision = source.get("revision", "main")
            found = self._huggingface.file(source["repository"], source["path"], revision)
            missing = f"{source['repository']} on Hugging Face has no file {source['path']}."
            return Offer(found.address, missing, found.size, found.sha256)
        return Offer(source["url"], "There is nothing at this address.")

    def _of_version(self, version_id: int, file_id: int | None, sha256: str) -> Offer:
        version = self._civitai.version(version_id)
        reason = restriction(version)
        if reason:
            raise Impossible(reason)
        file = _file_of(version, file_id, sha256)
        announced = text(mapping(file.get("hashes")).get("SHA256")).lower()
        missing = f"CivitAI no longer has the file of version {version_id}."
        return Offer(self._civitai.file_address(version_id, file), missing, sha256=announced)


def _file_of(version: Mapping[str, Any], file_id: int | None, sha256: str) -> dict[str, Any]:
    if file_id is None and sha256:
        for file in mappings(version.get("files")):
            if text(mapping(file.get("hashes")).get("SHA256")).lower() == sha256:
                return file
    return chosen_file(version, file_id)
