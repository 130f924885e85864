"""The artifact store: a folder (usually a mounted volume), or a prefix of an S3 or GCS bucket, through one interface.

`store` says what is asked of one; `location` opens it. The library for buckets is imported where there is one.
"""
