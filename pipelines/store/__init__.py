"""The store: write-once blobs, remembered actions, tables and releases under one URL."""
