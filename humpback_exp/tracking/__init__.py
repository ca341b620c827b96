"""A W&B run of every stage, or nothing at all; docs/tracking.md lists what is recorded."""

from humpback_exp.tracking.tracker import Tracker, track
