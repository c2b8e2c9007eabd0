"""CloudWatch alarms and EventBridge rules that notify a topic: what all stack kinds share."""
