"""What machine-readable sources say about the use of items: hosts, headers, files, registries.

One module reads one mechanism: bytes or header fields in, :class:`rules.Rule` out, nothing fetched. What
their words mean stands in :mod:`vocabulary`, and what they come to for an item in :mod:`adjudicate`.

Of every mechanism these hold:

- Any no wins over any yes.
- A reader returns at least one rule, also where nothing is said: that is an answer too, and ends an older
  one.
- What a reader does not understand is never a yes.
"""
