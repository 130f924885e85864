"""Sessions and locks in the database that dbt writes to."""
