"""Points of a sweep: checked, estimated, run and told in a table."""
