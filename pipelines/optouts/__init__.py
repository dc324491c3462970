"""Opt-outs as people ask for them: weighed, held for a person, approved, withdrawn, and accounted for."""
