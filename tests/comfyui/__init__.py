"""ComfyUI for tests: a light stand-in that serves its real page, and real ComfyUI where there is one."""
