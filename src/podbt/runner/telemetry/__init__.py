"""A run's trace and metrics, for OpenTelemetry. Nothing of that project is imported unless they are wanted."""
