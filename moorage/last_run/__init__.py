"""The last run of a command line: what it read, and what it printed.

A run whose command line, environment and files are those of the last one prints the same again. It
compares hashes, and imports neither troposphere nor pydantic nor cfn-lint.
"""
