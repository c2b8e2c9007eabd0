"""nginx in front of a task's containers: params, configuration, what is wrong with one."""
