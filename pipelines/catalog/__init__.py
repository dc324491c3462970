"""A store for those who ask: DuckDB over its verified blobs, and the statistics that a release ships."""
