"""What byleave costs, and what a hand-written statement costs for the same work on the same input."""
