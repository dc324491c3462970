"""What manifests, license snapshots and opt-out lists look like: one module per format."""
