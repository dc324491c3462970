"""Raw files: opened, pinned by their digests, cut into splits, unpacked and read in blocks."""
