"""A synthetic world: a manifest in a real format, snapshots and opt-outs that fit it, known answers."""
