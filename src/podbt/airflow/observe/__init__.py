"""What others are told of a task that starts and ends in its trigger, of which Airflow itself tells them nothing."""
