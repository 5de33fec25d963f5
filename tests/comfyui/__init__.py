"""ComfyUI for tests: a light stand-in that serves its real page, and the real one."""
