"""A run's lineage, for an OpenLineage server. Nothing of that project is imported unless there is one to tell."""
