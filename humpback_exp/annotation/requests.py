"""A judgement as a browser sends it: read, and refused where it is too long, incomplete or out of bounds."""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from humpback_exp.annotation.session import Session

LONGEST = 4000
"""Characters of a reason."""
LARGEST = 64 * 1024
"""Bytes of a request."""
DAY = 86_400.0
MOST_REVISIONS = 1 << 31
"""More than anybody makes, and fewer than the database can count."""


async def body_of(request: Request) -> Any:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise HTTPException(413, f"A request may have {LARGEST} bytes.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "A judgement is JSON.") from None


def judgement_of(body: Any, at: Session) -> tuple[int, str, float, int]:
    """Value as shown, reason, seconds and revision seen of a request; HTTPException where one is missing or out of bounds."""
    values = [choice.value for choice in at.study.choices]
    try:
        value, reason, seconds, seen = (body[key] for key in ("value", "reason", "seconds", "revision"))
    except (KeyError, TypeError):
        raise HTTPException(400, "A judgement has value, reason, seconds and revision.") from None
    if type(value) is not int or value not in values:
        raise HTTPException(400, f"value must be one of {values}.")
    if not isinstance(reason, str) or len(reason) > LONGEST:
        raise HTTPException(400, f"reason must be a text of {LONGEST} characters at most.")
    if not reason.strip() and (at.rules.reasons or at.phase == "test"):
        raise HTTPException(400, "Write a reason.")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= DAY:
        raise HTTPException(400, f"seconds must be a number from 0 to {DAY:.0f}.")
    if type(seen) is not int or not 0 <= seen < MOST_REVISIONS:
        raise HTTPException(400, "revision must be the one that was shown.")
    return value, reason.strip().encode(errors="replace").decode(), float(seconds), seen
