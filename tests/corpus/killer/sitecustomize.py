"""With this folder on PYTHONPATH some pages do to every process what they say: the stage and its workers are real.

A page that contains `KILLS ITS CUTTER` or `KILLS ITS READER` ends the process that cuts or reads it, `HANGS` keeps it busy,
`RAISES` is a bug. PAGE_SECONDS: how long a page takes. PAGE_LOG: a folder in which each process that cuts leaves a file.
"""

import os
import signal
import time
from pathlib import Path

from humpback_exp.corpus import chunks, pages

chunks.SECONDS = 0.5
cut, read = chunks.cut, pages.read


def acting_cut(url, html, *rest):
    if "PAGE_LOG" in os.environ:
        Path(os.environ["PAGE_LOG"], str(os.getpid())).touch()
    time.sleep(float(os.environ.get("PAGE_SECONDS", 0)))
    if b"KILLS ITS CUTTER" in html:
        os.kill(os.getpid(), signal.SIGKILL)
    while b"HANGS" in html:
        pass
    assert b"RAISES" not in html, "a bug"
    return cut(url, html, *rest)


def acting_read(*arguments):
    for page in read(*arguments):
        if b"KILLS ITS READER" in page.html:
            os.kill(os.getpid(), signal.SIGKILL)
        yield page


chunks.cut, pages.read = acting_cut, acting_read
