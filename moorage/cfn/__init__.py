"""A read-only view of any CloudFormation template, or of all the templates of an environment.

The view:

- template: one template as written
- scenarios: which values of parameters and conditions are evaluated
- view: templates in one scenario: resources by type, dependencies
- nodes: properties with intrinsic functions evaluated
- intrinsic_functions: `Ref`, `Fn::Sub` and the others, evaluated
- values: values that are only partly known before the deployment
- tristate: logic with True, False and None for unknown

Analyses of it:

- ecs: services with task definitions, target groups, listeners, load balancers
- task_size: CPU and memory of Fargate tasks
- container_secrets: the ValueFrom of a container's secrets
- networks: subnets, routes, VPC endpoints
- peers, security_group_rules, reachability: whether security groups on both sides of a connection
  allow it
- target_traffic: traffic and health checks from load balancers to tasks
- task_startup: which AWS services a task calls when it starts, and the routes of its subnets
- return_values, arns, arn_patterns: what resources return, as ARNs with placeholders for unknown
  parts, and whether a pattern matches one
- permissions: whether a role allows an action on an ARN
- trust_policies: which services may assume a role
- lifecycle: the order in which resources are created
- fixed_values: values that are the same in every stack of a template
- quota_counts, text_sizes: what quotas count, and the sizes of texts
- needs: images, secrets and the like that must exist before a deployment
- changes, unique_values, value_comparison: two versions of templates, and what an update does
"""
