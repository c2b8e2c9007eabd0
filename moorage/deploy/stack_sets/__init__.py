"""An environment with `targets:`: a stack set for each stack, deployed by StackSets."""
