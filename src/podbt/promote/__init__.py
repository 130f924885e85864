"""Promotion: the image that passed goes on from stage to stage by its digest, with what was signed about it."""
