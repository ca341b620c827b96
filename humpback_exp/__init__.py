"""Self-alignment with instruction backtranslation: from raw pages and a small seed to M2."""

__version__ = "0.1.0"
