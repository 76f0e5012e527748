"""Pulumi components, one package for each subject.

They do not read the Pulumi configuration, environment variables or the stack: all their input is in their arguments.
"""
