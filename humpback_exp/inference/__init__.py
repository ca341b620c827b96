"""Running a finished model over many rows: one Engine protocol, and the bulk step that survives a kill."""
