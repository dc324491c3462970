"""Opt-out lists, in the forms in which people, registries and blockers keep them.

`reading` finds out which form a file has; each form is a module and gives what it found; `rows` and `cells`
read what is named, `fields` what else is said of it, and `entries` makes entries of the ledger of both.
"""
