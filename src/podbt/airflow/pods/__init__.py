"""A pod: the calls that it takes, following it to its end, and what it tells of its nodes meanwhile."""
