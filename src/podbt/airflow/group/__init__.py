"""A model group: the tasks that a DAG file makes of it, their triggers, and what these go by."""
