"""Running a finished model over many rows: one Engine protocol, and an engine for each program that runs models."""
