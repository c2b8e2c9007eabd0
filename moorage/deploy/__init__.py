"""Deployment: a plan -> CloudFormation in an account, its preview, progress and state.

CloudFormation is the only state. Only this package calls AWS, with boto3, and only its commands
import it: builds and checks do not load it. What waits gets its clock as an argument.
"""
