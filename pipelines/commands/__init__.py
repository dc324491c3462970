"""The commands of ``byleave``: each reads its options, calls one function, and prints what came back."""
