"""A read-only view of any CloudFormation template, or of all the templates of an environment.

- template: one template as written
- scenarios: which choices of parameters are looked at
- view: templates under one scenario: resources by type, what depends on what
- nodes: properties with the functions carried out
- values: what a property can turn out to be besides plain JSON
- ecs: services, their tasks, target groups, listeners and load balancers, joined
- fargate: the sizes of tasks that Fargate has
- container_secrets: what a container's secret names
- networks: subnets, routes, endpoints
- reachability: who reaches which port, through security groups on both sides
- task_startup: what a task calls of AWS at its start, and the ways out of its subnets
- arns: ARNs with parts that are not known, and whether a pattern matches one
- permissions, managed_policies: whether a role allows an action on an ARN
- lifecycle: what is created before what, what name blocks a replacement
- changes, unique_values, value_comparison: two versions of templates, and what an update does
"""
