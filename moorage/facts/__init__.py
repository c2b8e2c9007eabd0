"""Tables about AWS, each with its source. They import nothing of Moorage.

Templates and rules take numbers, names and patterns of AWS from here, so that a fact is written
once. Where an installed library has the same fact (botocore's service models, cfn-lint's schemas),
tests/facts compares the two; versions and dates are those of the last comparison by hand.
"""
