"""Moorage: CloudFormation for containers on ECS that deploys the first time.

A build is a sequence of functions, each from one value to the next:

    load      params/*.yaml            -> Document      (what is written, and where)
    validate  Document                 -> Environment   (what it means)
    compose   Environment              -> Stacks        (troposphere templates)
    render    Stacks                   -> Renderings    (plain dicts and text)
    link      Renderings               -> Plan          (order, imports, exports)
    check     Plan                     -> Findings      (cfn-lint, and Moorage's rules)
    write     Plan                     -> files under out/

Mistakes of the user are returned as `Finding`s together with the values, all of them at once.
`moorage.pipeline.build` calls the steps. Only `moorage.cli` and `moorage.commands` print.
"""

__version__ = "0.1.0"
