"""Why a row is dropped: every reason there is, as it stands in records, manifests, reports and W&B."""

from collections.abc import Mapping

PAGE = "page: "
"""What the reasons of whole pages begin with; they count pages, not the rows that went in."""
ANSWER = "answer: "
"""The same of questions on pages of questions that become no held-out pair."""
DRAFT_KEPT = "draft kept: "
"""The same of candidates that stay as they were in a rewritten folder."""
NO_LOSS = "no loss: "
"""The same of held-out pairs whose loss is not known."""
NOT_JUDGED = "not judged: "
"""The same of held-out prompts that have no verdict."""

# pages
EMPTY_PAGE = "empty page"
HTTP_STATUS = "http status"
NESTED = "nested too deeply"
BLOCKED = "blocked url"
NO_HEADER = "no header"
NOT_HTML = "not html"
SET_ASIDE = "killed its worker"
"""Twice; the pages are named in set_aside.txt of the folder."""
TOO_LARGE = "too large"
TOO_MANY_ELEMENTS = "too many elements"
TRUNCATED_ARCHIVE = "truncated archive"
UNDECODABLE = "undecodable"
UNREADABLE = "unreadable"
"""A file that cannot be read, or a rating."""

# segments
CAPITAL_HEADER = "header in capitals"
COMMENTS = "comments"
COOKIE_NOTICE = "cookie notice"
COVERED = "covered by its parts"
DUPLICATE = "duplicate"
EMPTY_HEADER = "header empty"
FURNITURE = "furniture: "
"""What the reasons of headers begin with that stand in no part of a page's text; the rest names what speaks for that."""
HELD_OUT = "on a page of questions"
"""Its answers are held-out pairs (corpus.questions)."""
INSIDE = "inside a kept segment"
LANGUAGE = "language"
LINKS = "links"
LOW_QUALITY = "unlike the seed"
"""By a classifier (corpus.min_quality)."""
NAVIGATION_HEADER = "navigation header"
NEAR_DUPLICATE = "near duplicate"
NOT_DRAWN = "not drawn"
"""Beyond corpus.segments."""
OVER_CAP = "over the cap of its host"
OVERLAPS = "overlaps a held-out pair"
"""Thirteen words in a row are the same, or the whole of a shorter answer."""
OVERLAPS_PROMPT = "overlaps an evaluation prompt"
PLACEHOLDER = "lorem ipsum"
REPEATS_ANOTHER = "repeats another pair"
TOO_SHORT = "too short"

# generated text
BROKEN = "broken characters"
"""An endpoint answered with half a character."""
ECHOES = "echoes the prompt"
EMPTY = "empty"
FAILED = "failed at the endpoint"
FILTERED = "content filter"
MUCH_SHORTER = "much shorter"
OVERFLOW = "longer than the context"
REASONING_ALONE = "reasoning alone"
REFUSED = "refused"
REPEATS = "repeats itself"
"""A generated text, or a segment."""
RESTATES = "restates the output"
UNFINISHED = "unfinished"
"""The limit of new tokens was reached."""

# ratings and selection
ABANDONED = "abandoned"
BELOW_THRESHOLD = "below the threshold"
UNRATED = "not rated"
UNSCORED = "unscored"
"""The judge gives no probability to either answer."""

# examples
CUT = "cut"
"""An example that was cut to fit the context; it is counted, but not dropped."""
TOO_LONG = "too long"
"""An example for the context, a segment, or an instruction."""


def of_rows(drops: Mapping[str, int]) -> dict[str, int]:
    """The drops that count rows which went in and did not come out."""
    beside = (PAGE, ANSWER, DRAFT_KEPT, NO_LOSS, NOT_JUDGED)
    return {reason: count for reason, count in drops.items() if not reason.startswith(beside)}
