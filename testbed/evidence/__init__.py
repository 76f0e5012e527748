"""The evidence that the platform works: acceptance tests, which always run, and rehearsals, which are recorded.

A rehearsal takes minutes and shows what few changes can break. It runs when one of its inputs is not as it was at its
last recorded pass, and is taken from the record otherwise; the run says which and why.
"""
