"""What the nightly job is made of: settings, inboxes, what it cuts next, and what it says."""
