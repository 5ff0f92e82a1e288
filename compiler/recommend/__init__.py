"""What a sound spec would say for a task, data, a model and a machine: values, each with its reason. Pure."""
