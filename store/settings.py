"""What a person has set: flags and environment first, then `settings.json`, then the defaults."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .errors import BadInput, Misconfigured
from .files import write_atomic
from .number_fields import NUMBER

CIVITAI = "https://civitai.com"
CIVITAI_IMAGES = "https://image.civitai.com/xG1nkqKTMzGDvpLrqFT7WA"
HUGGINGFACE = "https://huggingface.co"

_SECRETS = ("civitai_key", "huggingface_token")


def _http_address(text: str) -> str:
    parts = urlsplit(text)
    # A port that is none would make every later look at the address fail.
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0):
        raise ValueError("must be an http(s) address, like https://example.org")
    if not text.isprintable() or " " in text:
        raise ValueError("must be without blanks and line breaks")
    return text.rstrip("/")


def _header_safe(text: str) -> str:
    """A key goes into a header: blanks around it are a slip of copying, others are an error."""
    text = text.strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be printable ASCII without blanks")
    return text


Address = Annotated[str, AfterValidator(_http_address)]
Secret = Annotated[str, AfterValidator(_header_safe)]
NsfwLevel = Annotated[Literal[0, 1, 2, 4, 8, 16, 32], NUMBER]


class Values(BaseModel):
    """The settings a person can change while we run; what the settings page edits."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    civitai_key: Secret = ""
    huggingface_token: Secret = ""
    require_key: bool | None = None
    """None: only where the server listens beyond loopback."""
    allow_hosts: list[str] = Field(default_factory=list[str], max_length=100)
    """Further names that this server answers to."""
    public_url: Address = ""
    """The address that others use to come here, behind a proxy."""
    proxy: Address = ""
    """For CivitAI and Hugging Face; empty: the system's."""
    proxy_foreign: bool = False
    """Whether foreign addresses go through the proxy too."""
    allow_private_addresses: bool = False
    """Whether foreign addresses may be of the private network."""
    civitai_in_flight: int = Field(default=4, ge=1, le=16)
    """Requests to CivitAI at once."""
    gallery_limit_gb: float = Field(default=0, ge=0, le=1_000_000)
    """Room for the gallery's pictures; 0: as much as there is."""
    gallery_in_flight: int = Field(default=8, ge=1, le=20)
    """Pictures of galleries fetched at once."""
    nsfw_blur_from: NsfwLevel = 4
    """Pictures of this level of CivitAI's (1, 2, 4 … 32) and above are blurred; 0: none are."""
    nsfw_hide_from: NsfwLevel = 0
    """Pictures of this level and above are not shown on our screens at all; 0: all are.

    Of the lists over HTTP nothing is hidden: other clients say `max_nsfw` and see what is there.
    """
    transfers_at_once: int = Field(default=3, ge=1, le=10)
    """Models fetched at once."""
    transfers_per_host: int = Field(default=2, ge=1, le=10)
    """Of these, from one host."""
    upload_limit_mb: int = Field(default=200_000, ge=1, le=100_000_000)
    """Of an uploaded file, or one fetched for an upload: bytes at most, in 10^6."""
    uploads_open: int = Field(default=100, ge=1, le=10_000)
    """Uploads of one key that may be open at once."""
    uploads_gb: int = Field(default=1000, ge=1, le=1_000_000)
    """What they may have together: bytes in 10^9."""
    uploads_keep_hours: int = Field(default=168, ge=1, le=10_000)
    """How long an open upload waits for its next part before it is removed."""
    allow_pickles: bool = False
    """Whether uploaded models may be pickles; they are scanned then, which finds not all."""
    hash_workers: int = Field(default=0, ge=0, le=16)
    """Models hashed at once; 0: one a core."""
    hash_while_generating: bool = True
    """Whether models are hashed while ComfyUI makes pictures."""
    civitai_lookup: bool = False
    """Whether CivitAI is asked by hash about models as soon as they are hashed."""
    backups_kept: int = Field(default=7, ge=0, le=1000)
    """Backups of the database that are kept; 0: none is made."""
    backup_hours: int = Field(default=24, ge=0, le=10_000)
    """Hours between two of them; 0: none is made by itself."""
    system_trash: bool = True
    """Deleted models go into the system's trash, where there is one."""


_VARIABLES = {
    "civitai_key": "CIVITAI_API_KEY",
    "huggingface_token": "HF_TOKEN",
    "allow_hosts": "--allow-host or CURATOR_ALLOW_HOST",
}


@dataclass(frozen=True)
class Options:
    """What flags and environment say; fixed while we run. Empty means: not said."""

    civitai: str = CIVITAI
    civitai_images: str = CIVITAI_IMAGES
    huggingface: str = HUGGINGFACE
    key: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values that win over the file, by the name of the setting."""

    @classmethod
    def read(cls, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Options:
        """From the environment, flags winning. Raises Misconfigured for what cannot be meant."""
        said = dict(flags or {})

        def pick(name: str, variable: str, default: str = "") -> str:
            return str(said.get(name) or environ.get(variable) or default)

        def base(name: str, default: str) -> str:
            variable = f"CURATOR_{name.upper()}"
            try:
                return _http_address(pick(name, variable, default))
            except ValueError as error:
                raise Misconfigured(f"{source(name, variable)} {error}.") from error

        def source(name: str, variable: str) -> str:
            return f"--{name.replace('_', '-')}" if said.get(name) else variable

        allowed = environ.get("CURATOR_ALLOW_HOST", "")
        given: dict[str, Any] = {
            "civitai_key": environ.get("CIVITAI_API_KEY", ""),
            "huggingface_token": environ.get("HF_TOKEN", ""),
            "public_url": pick("public_url", "CURATOR_PUBLIC_URL"),
            "allow_hosts": list(said.get("allow_host") or [])
            or [name.strip() for name in allowed.split(",") if name.strip()],
            "require_key": True
            if said.get("require_key")
            else _switch(environ.get("CURATOR_REQUIRE_KEY", ""), "CURATOR_REQUIRE_KEY"),
            "allow_private_addresses": True if said.get("allow_private") else None,
        }
        overrides = {name: value for name, value in given.items() if value not in ("", [], None)}
        try:
            checked = Values.model_validate(overrides).model_dump(include=set(overrides))
            return cls(
                civitai=base("civitai", CIVITAI),
                civitai_images=base("civitai_images", CIVITAI_IMAGES),
                huggingface=base("huggingface", HUGGINGFACE),
                key=environ.get("CURATOR_KEY", "").strip(),
                overrides=checked,
            )
        except ValidationError as error:
            name, why = _first(error)
            variable = _VARIABLES.get(name, f"CURATOR_{name.upper()}")
            raise Misconfigured(f"{source(name, variable)} {why}.") from error


class Settings:
    """`settings.json` of the data folder (mode 600: it may hold keys), and what overrides it."""

    def __init__(self, path: Path, options: Options) -> None:
        """Raises Misconfigured when the file is there and cannot be read."""
        self._path = path
        self._lock = threading.Lock()
        self.options = options
        self._stored = self._load()
        self.values = self._effective()

    def change(self, changes: Mapping[str, Any]) -> Values:
        """Check and store some settings; unknown ones are ignored. Raises BadInput."""
        known = {name: value for name, value in changes.items() if name in Values.model_fields}
        for name in known:
            if name in self.options.overrides and known[name] != self.options.overrides[name]:
                raise BadInput(f"{name} is set by a flag or the environment.", field=name)
        with self._lock:
            try:
                checked = Values.model_validate({**self._stored, **known}).model_dump()
            except ValidationError as error:
                name, why = _first(error)
                raise BadInput(f"{name}: {why}.", field=name) from error
            stored = {**self._stored, **{name: checked[name] for name in known}}
            write_atomic(self._path, json.dumps(stored, indent=2).encode() + b"\n", mode=0o600)
            self._stored = stored
            self.values = self._effective()
        return self.values

    def shown(self) -> dict[str, Any]:
        """The settings as they may be shown: of secrets only whether they are set."""
        shown = self.values.model_dump(exclude=set(_SECRETS))
        for name in _SECRETS:
            shown[f"{name}_set"] = bool(getattr(self.values, name))
        shown["fixed"] = sorted(self.options.overrides)
        return shown

    def _effective(self) -> Values:
        return Values.model_validate({**self._stored, **self.options.overrides})

    def _load(self) -> dict[str, Any]:
        """The file's own content, keys of later versions too, so that they survive."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(stored, dict):
                raise Misconfigured(f"The settings file {self._path} must hold one JSON object.")
            Values.model_validate(stored)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Misconfigured(f"Cannot read {self._path}: {error.strerror}.") from error
        except ValidationError as error:
            name, why = _first(error)
            raise Misconfigured(f"The settings file {self._path}: {name}: {why}.") from error
        except ValueError as error:
            raise Misconfigured(f"The settings file {self._path} is broken: {error}.") from error
        return stored  # pyright: ignore[reportUnknownVariableType] - JSON, checked above


def _switch(text: str, name: str) -> bool | None:
    if not text:
        return None
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise Misconfigured(f"{name} must be 1 or 0, not {text!r}.")


def _first(error: ValidationError) -> tuple[str, str]:
    """The field and the reason of the first thing that is wrong."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    return name, first["msg"].removeprefix("Value error, ")
