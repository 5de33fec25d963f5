"""What Curator uses of ComfyUI's module."""

from collections.abc import Callable
from typing import Any, ClassVar

from aiohttp import web

class PromptServer:
    instance: ClassVar[PromptServer]
    app: web.Application
    def send_sync(self, event: str, data: Any, sid: str | None = None) -> None: ...
    def add_on_prompt_handler(
        self, handler: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None: ...
