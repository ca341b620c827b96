"""WARC and HTML -> header-rooted segments: pages, flatten, segments, filters, dedup. No torch."""
