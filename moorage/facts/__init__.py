"""Tables about AWS, each with its source. They import nothing of Moorage.

Templates and rules use numbers, names and patterns of AWS from here, so that each fact is written
once. If an installed library has the same fact (botocore's service models, cfn-lint's schemas),
tests/facts compares the two. Versions and dates are those of the last comparison by hand.
"""
