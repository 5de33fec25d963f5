"""What an answer from upstream means: its data, or the fact behind its failure."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from email.message import Message
from typing import Any, cast

import requests

from ..errors import BadInput, CuratorError, UpstreamBusy, UpstreamFailed
from ..json_values import is_object
from .addresses import Base

_LONE = re.compile(r"[\ud800-\udfff]")
_DAY = 86_400.0


def name_of(base: Base | None) -> str:
    """Who is meant in texts: never an address, it may be of the inside or carry a token."""
    return base.name if base else "The address"


def read_json(response: requests.Response, limit: int, name: str) -> Any:
    """The answer's JSON, integers of any size kept. Raises UpstreamFailed for anything else."""
    data = bytearray()
    for chunk in response.raw.stream(1 << 16, decode_content=True):
        data += chunk
        if len(data) > limit:
            raise UpstreamFailed(f"{name} answered with more than {limit >> 20} MB.")
    announced = announced_length(response)
    if announced is not None and len(data) != announced:
        raise UpstreamFailed(f"{name} broke off in the middle of its answer.")
    try:
        return parse_json(bytes(data))
    except (ValueError, RecursionError) as error:
        if bytes(data[:200]).lstrip().startswith(b"<"):
            raise UpstreamFailed(f"{name} answered with a web page instead of data.") from error
        raise UpstreamFailed(f"{name} answered with something that is not JSON.") from error


def parse_json(data: bytes) -> Any:
    """JSON as values that can be stored again: no NaN, no halves of surrogate pairs."""
    # As text: given bytes, json lets halves of surrogate pairs through that are not even escaped.
    text = data.decode("utf-8-sig", errors="replace")
    parsed = json.loads(text, parse_constant=lambda _: None)
    return _whole(parsed) if b"\\ud" in data.lower() else parsed


def announced_length(response: requests.Response) -> int | None:
    """The length that was promised; None when the body is packed or nothing was said."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def retry_after(response: requests.Response) -> float | None:
    """Seconds that upstream asks us to stay away, at most a day; None when it does not say."""
    return retry_after_of(response.headers)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """The same, from an answer's headers."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _DAY)
    try:
        moment = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(moment - time.time(), 0.0), _DAY)


def told_name(headers: Mapping[str, str]) -> str:
    """The file name of `Content-Disposition`, without folders; empty when there is none."""
    told = Message()
    # Headers come as Latin-1, whatever they were written in.
    text = headers.get("Content-Disposition", "").encode("latin-1", "replace")
    told["Content-Disposition"] = text.decode("utf-8", "replace")
    # The spelling that knows all letters comes after the plain one.
    names = [
        email.utils.collapse_rfc2231_value(value)
        for key, value in told.get_params(header="Content-Disposition") or ()
        if key.lower() == "filename"
    ]
    return names[-1].replace("\\", "/").rpartition("/")[2] if names else ""


def failure(response: requests.Response, base: Base | None, *, key_shown: bool) -> CuratorError:
    """The fact behind a status that is neither 200 nor says that nothing is there."""
    status = response.status_code
    name = name_of(base)
    if status in (401, 403) and base is not None:
        return key_wanted(base, key_shown=key_shown)
    if status in (429, 503):
        return UpstreamBusy(
            f"{name} is busy. Try again later.", retry_after=retry_after(response) or 10.0
        )
    return UpstreamFailed(f"{name} answered with status {status}.")


def key_wanted(base: Base, *, key_shown: bool) -> CuratorError:
    """What a person is to do when upstream does not let us in."""
    field = base.key_field or "civitai_key"
    what = "token" if field == "huggingface_token" else "key"
    todo = (
        f"{base.name} refuses your {what}. Check it in the settings, and whether your account "
        "may see this."
        if key_shown
        else f"{base.name} shows this only with a {what}. Make one in your account there and "
        "enter it in the settings."
    )
    return BadInput(todo, field=field)


def reason(error: requests.RequestException, name: str) -> str:
    """Why there was no answer, without any address."""
    if isinstance(error, requests.exceptions.SSLError):
        return f"{name} cannot be reached safely: its certificate is not accepted."
    if isinstance(error, requests.exceptions.ProxyError):
        return f"{name} cannot be reached: the proxy does not answer."
    if isinstance(error, requests.exceptions.Timeout):
        return f"{name} does not answer in time."
    if isinstance(error, requests.exceptions.ConnectionError):
        return f"{name} cannot be reached."
    return f"{name} gave no usable answer."


def was_dropped(error: requests.ConnectionError) -> bool:
    """Whether the connection was closed before any byte of an answer."""
    text = repr(error)
    return "RemoteDisconnected" in text or "ConnectionResetError" in text or "BrokenPipe" in text


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(each) for each in cast(list[Any], value)]
    if is_object(value):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return value
