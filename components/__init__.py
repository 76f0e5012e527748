"""Pulumi components, one package for each subject.

Components do not read the Pulumi configuration, environment variables or other stacks: all their input is in their
arguments.
"""
