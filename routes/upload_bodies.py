"""What clients of the uploads send, as Scenario's clients spell it."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..store.upload_asked import Asked
from .routing import Input

Kind = Literal["3d", "asset", "audio", "avatar", "image", "model", "text", "video"]
Status = Literal["pending", "validating", "validated", "imported", "complete", "failed"]


def _whole(value: Any) -> Any:
    """Numbers may come as 10 or 10.0; nothing else is a number of bytes or parts."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError("must be a whole number")


def _given(value: Any) -> Any:
    return "" if value is None else value


def _object(value: Any) -> Any:
    return {} if value is None else value


Whole = Annotated[Annotated[int, Field(ge=1, le=1 << 62)] | None, BeforeValidator(_whole)]
Text = Annotated[str, BeforeValidator(_given), Field(max_length=4096)]


class AssetOptions(BaseModel):
    """What is asked of the asset that comes of it; kind model makes none."""

    model_config = ConfigDict(extra="ignore")

    collectionIds: list[str] | None = Field(default=None, max_length=1000)
    hide: bool | None = None
    parentId: str | None = None


class CreateUpload(Input):
    """One upload: in parts, or from one of three kinds of address."""

    kind: Kind | None = None
    fileName: Text = ""
    fileSize: Whole = None
    contentType: Text = ""
    parts: Whole = None
    url: Text = ""
    civitaiModelUrl: Text = ""
    huggingFaceModelName: Text = ""
    assetOptions: AssetOptions | None = None
    config: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(
        default_factory=dict[str, Any]
    )
    sha256: Text = ""

    def asked(self) -> Asked:
        """As the store takes it."""
        options = self.assetOptions
        return Asked(
            kind=self.kind or "",
            file_name=self.fileName,
            content_type=self.contentType,
            file_size=self.fileSize or 0,
            parts=self.parts or 0,
            url=self.url,
            civitai_model_url=self.civitaiModelUrl,
            hugging_face_model_name=self.huggingFaceModelName,
            asset_options=options.model_dump(exclude_none=True) if options else {},
            config=self.config,
            sha256=self.sha256.lower(),
        )

    def digest(self) -> str:
        """Equal for bodies that ask for the same."""
        told = json.dumps(self.model_dump(), sort_keys=True)
        return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()


class DryRun(Input):
    """Whether to say what it would cost, and do nothing."""

    dryRun: Literal["true", "api", "false", ""] = ""
    projectId: str = ""


class Project(Input):
    """Taken and ignored: there are no projects here."""

    projectId: str = ""


class Action(Input):
    """What to do with an upload whose parts are sent."""

    action: Literal["complete", "upload-complete"]


class UploadList(Input):
    """A part of the list, the newest first."""

    status: Status | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class Signed(Input):
    """What makes a part's address valid."""

    expires: int = 0
    signature: str = ""
