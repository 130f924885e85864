"""The artifact store: a folder (usually a mounted volume), or a prefix of an S3 or GCS bucket, through one interface.

A place in it is a `StorePath`: a pathlib.Path in a folder, a universal_pathlib UPath in a bucket. What pathlib has no
word for (atomic replacement, creation by one writer alone, comparison and exchange) is in `podbt.store.files`.
Neither of the libraries for buckets is imported where the store is a folder.
"""
