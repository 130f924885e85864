"""Made-up OpenDental data for the reference project: seeded, coherent, streamed into schema ``raw``."""
