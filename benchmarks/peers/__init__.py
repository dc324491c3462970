"""What a user would run instead, by hand, in the best form we found: each a command of its own."""
