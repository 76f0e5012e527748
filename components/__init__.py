"""Pulumi components, one package for each subject.

They read neither configuration nor environment nor stack: all their input is in their arguments.
"""
