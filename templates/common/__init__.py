"""Resources, checks and field types that two or more stack kinds use."""
