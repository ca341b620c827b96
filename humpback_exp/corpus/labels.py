"""What a line looks like that is no text wherever it stands: bylines, dates, counts, advertisements, calls to sign up.

Called by lines.
"""

import re

MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = (
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+{MONTH},?\s+\d{{4}}"
    rf"|{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}|\d{{4}}-\d\d-\d\d|\d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}})"
)
CLOCK = r"(?:[\sT,|·•–—-]*(?:at\s+)?\d{1,2}[:.]\d\d(?::\d\d)?\s*(?:[ap]\.?m\.?)?\s*(?:[A-Z]{2,4})?)?"
DATED = re.compile(
    rf"(?:(?:first |last |originally )?(?:posted|published|updated|modified|edited|created|reviewed|date|on)\b[\s:]*"
    rf"(?:on|at|by)?\s*)?(?:{DATE}{CLOCK}|\d+ (?:second|minute|hour|day|week|month|year)s? ago)(?: by [^.]{{1,40}})?"
    r"|(?:this )?page (?:was )?last (?:modified|updated|edited)\b.{0,150}|\d+[ -]min(?:ute)?s? read(?:ing time)?",
    re.I,
)
NAME = r"(?:[A-Z][\w.'’-]*)(?: (?:[A-Z][\w.'’-]*|de|van|von|and|&|for|of|on|the|at|in)){0,7}"
BYLINE = re.compile(
    r"(?:(?i:written|posted|published|reported|updated|words|photos?|photography|story|edited|reviewed) )?"
    rf"(?:[Bb]y|BY):? {NAME}(?:\s*[,|·•–—-].{{0,80}})?(?<![.!?:;])"
)
CREDITS = re.compile(
    rf"(?:(?:[Aa]dditional |[Ww]ith )?(?i:reporting|editing|writing|compiled|written) by {NAME}(?:[;.,] ?|$)){{1,4}}"
)
"""Who wrote and who edited, as agencies end their reports."""
STAMPED = re.compile(
    rf"(?:[^\W\d][\w']*[^\w.!?']{{1,4}}){{0,6}}{DATE}[\sT,|·•–—-]*(?:at\s+)?\d{{1,2}}:\d\d(?::\d\d)?"
    r"(?:\s*[ap]\.?m\b\.?)?(?:\W+\w+){0,3}\W{0,9}(?:(?<![.!?])|(?<=[ap]\.m\.))",
    re.I,
)
"""A date and a time of day among few other words: who wrote when, on forums and pages of questions."""
COUNTS = re.compile(
    r"(?:viewed|asked|modified|active)\b:? ?(?=.*(?:\d|today|yesterday|\bago\b|\btimes\b)).{0,40}(?<![.!?])"
    r"|sort(?:ed)? by\b:? ?.{0,40}(?<![.!?])"
    r"|[\d.,]+ ?[km]? (?:views?|likes?|shares?|comments?|replies|votes?|points?|followers?|retweets?|claps?)"
    r"|(?:rated )?\d(?:[.,]\d+)?(?: ?/ ?\d+| (?:from|out of|stars?))[^.]{0,40}\b(?:votes?|stars?|reviews?|ratings?)",
    re.I,
)
"""What readers did with a page."""
AFFILIATES = re.compile(
    r"(?:this|our|these) (?:post|article|page|site|story|review|recipe|link)s? (?:may |might |can )?(?:contains?|includes?|are) "
    r".{0,20}affiliate links?.*"
    r"|(?:as an amazon associate|we (?:may )?(?:earn|receive) (?:an? )?(?:small |affiliate )*commission).*",
    re.I,
)
JUMP = re.compile(
    r"\W*(?:(?:(?:jump|skip) to (?:the )?(?:recipe|content|main content|navigation|video|comments)|(?:print|pin)(?: the)? recipe)"
    r"\W*)+",
    re.I,
)
ORNAMENT = re.compile("[\\s·•—–…★☆▪►▸❦⁂\u2600-\u27bf\U0001f000-\U0001faff\ufe0f]+|(?:[*~_.-]\\s*){3,}")
"""Lines between parts, and icons."""
CONTENTS = re.compile(
    r"table of contents:?|(?:on|in) this (?:page|article|section|guide|post):?|quick navigation:?", re.I
)
LANGUAGES = re.compile(r"(?:available |other |in other )?languages?\s*:[^.]*", re.I)
ADVERTISEMENT = re.compile(
    r"(?:advertisements?|ads?|sponsored(?: content| links?| by.*)?|promoted|paid content|scroll to continue.*"
    r"|(?:advertisement\s*[-–—:.|]?\s*)?(?:story|article|content) continues (?:below|after).*"
    r"|(?:advertisement\s*[-–—:.|]?\s*)?(?:continue reading (?:below|the main story).*|skip ad(?:vertisement)?)"
    r"|advertisement\s*[-–—:|].{0,60})",
    re.I,
)
SIGN_UP = re.compile(
    r"(?:please )?(?:sign up|subscribe|join|register|get|enter your e-?mail|want more|don.t miss|never miss)\b(?!.*mailing list)"
    r"(?:(?=.*\b(?:newsletters?|subscribers|(?:in|into|to) your inbox|new posts by e-?mail)\b).*"
    r"|(?=.*\b(?:inbox|e-?mail|updates|alerts|letter)\b)(?:.*(?<![.!?:])|(?: \S+){1,5}))"
    r"|never miss an? (?:story|post|update|deal|episode|issue|beat|moment|thing|headline|article|recipe|video|game|sale)\b.*",
    re.I,
)
"""What readers are asked to subscribe to; a longer sentence about mail or updates of something else is text."""
LABEL = re.compile(
    "|".join(
        f"(?i:{found.pattern})" for found in (ADVERTISEMENT, DATED, LANGUAGES, SIGN_UP, STAMPED, COUNTS, AFFILIATES)
    )
    + f"|(?i:{JUMP.pattern})|(?i:{CONTENTS.pattern})|{BYLINE.pattern}|{CREDITS.pattern}"
)
