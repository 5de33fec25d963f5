from enum import Enum
from typing import IO

class SafetyLevel(Enum):
    Innocuous = "innocuous"
    Suspicious = "suspicious"
    Dangerous = "dangerous"

class Global:
    module: str
    name: str
    safety: SafetyLevel

class ScanResult:
    globals: list[Global]
    issues_count: int
    scan_err: bool

def scan_pickle_bytes(
    data: IO[bytes], file_id: str, multiple_pickles: bool = True
) -> ScanResult: ...
