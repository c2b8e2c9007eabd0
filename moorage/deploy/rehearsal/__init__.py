"""AWS on this machine, for rehearsals and tests: a moto server on loopback, with corrections.

Unmodified, moto 5.2 cannot replace CloudFormation here. Each reason is corrected in this process
only:

1. A change set has no values of properties, and its execution leaves the stack without outputs,
   exports and tags, reports no events of resources, and rolls nothing back. A missing export stops
   its execution, and not, as with CloudFormation, its creation (`cloudformation.py`).
2. Its CloudFormation models drop most properties: a service's load balancers and network, a task
   definition's roles and size, a security group's egress, all attributes of load balancers; and a
   role's policies are returned as text that is not JSON. Here these resources are created with
   moto's service APIs, through boto3, which also refuses any property that the real API does not
   have (`containers.py`, `networks.py`, `storage.py`, `scaling.py`).
3. moto skips an unknown type with a warning. Here it is refused, unless it is in `ACCEPTED`, so
   that no deployment succeeds because half of a stack was left out (`models.py`).
4. A task on Fargate cannot run in every network, and its exit code is always 0 (`containers.py`).
5. A deployment of CodeDeploy never does anything (`code_deploy.py`).
6. A VPC has no addresses of IPv6, and `Fn::Cidr` is unknown (`vpcs.py`).

It needs the packages of `moorage[rehearse]`, and nothing else of Moorage imports it.
"""
