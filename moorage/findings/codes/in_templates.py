"""Why a mistake in params cannot be seen in a template: reasons that several codes share."""

from __future__ import annotations

PARAMS = "It is about how params are written or refer to each other."
BUILD = "It is about what a build writes, not about one template."
UPDATE = "It is about two versions of a template; `check --against` compares them."
STACK_SETS = "It is about stack sets, which a template does not describe."
IMAGE_BUILDS = "It is about images and how they are built."
ENVIRONMENTS = "It is about two environments."
PROGRAM = "It is about a program in a container, and a template shows only its container."
TRUST = "AWS accepts it, and whom a role should trust is not in the template."
DATABASES = "The rules are about containers and load balancers, not about databases."
NO_EFFECT = "A setting without an effect is not in the template."
ALLOWED = "AWS accepts it, and in a template it may be intended."
ACCOUNT = "It depends on what the account has."
UNITS = "The property is in the unit of AWS, so a template cannot have the mistake."
USER_DATA = "It is about user data, which is a text to a template."
INSIGHTS = "An account can have Container Insights turned on for every cluster."
