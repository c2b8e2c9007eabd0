"""A read-only view of any CloudFormation template, or of all the templates of an environment.

- template: one template as written
- scenarios: which values of parameters and conditions are evaluated
- view: templates in one scenario: resources by type, dependencies
- nodes: properties with intrinsic functions evaluated
- values: values that are only partly known before the deployment
- ecs: services with their task definitions, target groups, listeners and load balancers
- fargate: sizes of Fargate tasks
- container_secrets: what the ValueFrom of a container's secret refers to
- networks: subnets, routes, VPC endpoints
- reachability: whether security groups on both sides allow a connection
- task_startup: which AWS services a task calls when it starts, and the routes of its subnets
- arns: ARNs with unknown parts, and whether a pattern matches one
- permissions: whether a role allows an action on an ARN, and which services it trusts
- lifecycle: the order of creation, and fixed values that block replacement
- changes, unique_values, value_comparison: two versions of templates, and what an update does
"""
