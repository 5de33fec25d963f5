"""Long work over HTTP: what runs, how far it is, and how to end it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from .answers import json_answer
from .routing import Access, Plain, Routes

routes = Routes()


@routes.get("/jobs", access=Access.KEY, summary="Long work: what runs, and what has just ended")
async def list_jobs(call: Plain) -> web.StreamResponse:
    """`{jobs: [{id, kind, title, state, done, total, unit, rate, eta_s, error}], total}`."""
    jobs = call.store.jobs.listed()
    return json_answer({"jobs": jobs, "total": len(jobs)})


@routes.add(
    "POST",
    "/jobs/{id}/cancel",
    access=Access.KEY,
    summary="End a job",
    answers={200: "The job, asked to end", 404: "No such job", 409: "It is over"},
)
async def cancel_job(call: Plain) -> web.StreamResponse:
    """The job; its state says cancelled as soon as its work has ended."""
    return json_answer(await asyncio.to_thread(call.store.jobs.cancel, call.text("id")))
