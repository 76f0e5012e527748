"""End-to-end tests: acceptance tests, which always run, and rehearsals, whose passes are recorded.

A rehearsal takes minutes and tests behaviour that few changes can break. It runs only if one of its inputs has changed
since its last recorded pass; the run prints the reason.
"""
