"""The settings: where dbt runs. `load` reads the file; each runtime has a module. Empty, for what one of them needs."""
