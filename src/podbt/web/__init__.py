"""What people see of runs: figures, an index of the store, pages in Airflow's UI, and a report as one file.

Only `plugin` and `access` import Airflow; `app` is the pages as a FastAPI application, and everything else is plain.
"""
