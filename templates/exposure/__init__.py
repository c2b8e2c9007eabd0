"""The ways to a service: listeners, rules, target groups, who is let in, how health is asked."""
