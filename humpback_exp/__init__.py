"""Self-alignment with instruction backtranslation: from raw pages and a small seed to M2."""

import os

__version__ = "0.1.0"
# Arrow's own allocator keeps what is freed, some 30 MiB a process. It is chosen when Arrow is imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
