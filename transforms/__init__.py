"""What happens to rows: Arrow in, Arrow out; no I/O, no clock, no Beam."""
