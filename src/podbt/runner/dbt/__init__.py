"""All that is known of dbt: its command line, its results, and where podbt takes part in it."""
