"""Pickles, where they are let in: looked through for what they would run, never loaded."""

from __future__ import annotations

import io
import pickletools
import zipfile
from pathlib import Path
from typing import IO

from .errors import Impossible

_MOST_BYTES = 8 << 20
"""Of one pickle; that of a large checkpoint, whose numbers lie beside it, takes about two."""
_MOST_MEMBERS = 50_000
_MAGIC = 0x1950A86A20F9469CFC6C
"""What torch wrote before it made archives: five pickles, then the numbers."""
_ADVICE = "Convert it to safetensors where you trust it, and upload that."


def is_zip(first: bytes) -> bool:
    """Whether a file that begins so is a zip archive."""
    return first[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def check_pickle(path: Path) -> None:
    """Raise Impossible for a pickle that is broken, or names what is not known to be harmless."""
    with path.open("rb") as file:
        zipped = is_zip(file.read(4))
        file.seek(0)
        if zipped:
            _check_archive(file)
        else:
            _check_plain(file)


def _check_archive(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                raise Impossible(f"The archive holds {len(members):,} files. {_ADVICE}")
            pickles = [each for each in members if each.filename.endswith((".pkl", ".pickle"))]
            if not any(each.filename.endswith("data.pkl") for each in pickles):
                raise Impossible(
                    "This is a zip archive without a model in it. Unpack it and upload the model "
                    "file."
                )
            if any("/code/" in each.filename for each in members):
                raise Impossible(f"This archive holds a program (TorchScript). {_ADVICE}")
            for each in pickles:
                with archive.open(each) as member:
                    _scan(*_beginning(member), each.filename, many=True)
    # NotImplementedError: packed in a way that zipfile does not know; RuntimeError: encrypted.
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise Impossible("The archive is broken. Download it again where it came from.") from error


def _check_plain(file: IO[bytes]) -> None:
    data, cut = _beginning(file)
    count = 5 if _first_number(data) == _MAGIC else 1
    data.seek(0)
    for _ in range(count):
        _scan(data, cut, "pickle", many=False)


def _scan(data: io.BytesIO, cut: bool, name: str, *, many: bool) -> None:
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes

    start = data.tell()
    try:
        for _ in pickletools.genops(data):
            pass
    except (ValueError, IndexError) as error:
        raise _broken(cut) from error
    if cut and many:
        raise _broken(cut)
    data.seek(start)
    found = scan_pickle_bytes(data, name, multiple_pickles=many)
    named = sorted(
        f"{each.module}.{each.name}"
        for each in found.globals
        if each.safety is not SafetyLevel.Innocuous
    )
    if named:
        raise Impossible(
            f"This pickle would load {', '.join(named[:3])[:200]}, which is not known to be "
            f"harmless. {_ADVICE}"
        )
    if found.scan_err or found.issues_count:
        raise _broken(cut)


def _first_number(data: io.BytesIO) -> int | None:
    try:
        for code, value, _ in pickletools.genops(data):
            if "INT" in code.name or "LONG" in code.name:
                return value if isinstance(value, int) else None
    except (ValueError, IndexError):
        return None
    return None


def _broken(cut: bool) -> Impossible:
    if cut:
        text = f"This pickle is larger than {_MOST_BYTES >> 20} MB, too large to be looked through."
        return Impossible(f"{text} {_ADVICE}")
    return Impossible("The pickle is broken. Download it again where it came from.")


def _beginning(file: IO[bytes]) -> tuple[io.BytesIO, bool]:
    """As much as is looked through, for every step of a pickle is kept; whether there is more."""
    data = file.read(_MOST_BYTES + 1)
    return io.BytesIO(data[:_MOST_BYTES]), len(data) > _MOST_BYTES
