"""`podbt ci`: what a pull request changed, built beside production and dropped again."""
