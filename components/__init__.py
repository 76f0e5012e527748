"""The parts of the platform: Pulumi components, one package for each subject.

They read no configuration, no environment and no stack: everything they need is in their arguments.
"""
