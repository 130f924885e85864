"""What is decided before dbt begins: image, state, freshness, resumption."""
