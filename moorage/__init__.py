"""Moorage: CloudFormation for containers on ECS that deploys the first time.

A build is one road, and each step is a function from one value to the next:

    load      params/*.yaml            -> Document      (what was written, and where)
    validate  Document                 -> Environment   (what was meant)
    compose   Environment              -> Stacks        (troposphere templates)
    render    Stacks                   -> Renderings    (plain dicts and text)
    link      Renderings               -> Plan          (order, imports, exports)
    check     Plan                     -> Findings      (cfn-lint, with our rules)
    write     Plan                     -> files under out/

What a user got wrong travels beside the values as `Finding`s, all of it at once.
`moorage.build` walks the road; `build.py` is the only room that prints.
"""

__version__ = "0.1.0"
