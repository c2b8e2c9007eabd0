"""Moorage: CloudFormation for containers on ECS that deploys the first time.

A build is a chain of steps; each step is a function from one value to the next:

    load      params/*.yaml            -> Document      (plain data, and the line of each value)
    validate  Document                 -> Environment   (the params of all stacks)
    compose   Environment              -> Stacks        (troposphere templates)
    render    Stacks                   -> Renderings    (plain dicts and text)
    link      Renderings               -> Plan          (order, imports, exports)
    check     Plan                     -> Findings      (cfn-lint, with Moorage's rules)
    write     Plan                     -> files under out/

The user's mistakes are returned together with these values, as `Finding`s, all of them at once.
`moorage.pipeline.build` calls the steps; only `moorage.cli` and `moorage.commands` print.
"""

__version__ = "0.1.0"
