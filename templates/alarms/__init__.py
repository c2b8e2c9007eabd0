"""CloudWatch alarms, and EventBridge rules that notify a topic, for all stack kinds."""
