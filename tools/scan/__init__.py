"""Third-party scanners, run over the objects that the stacks deploy, the server's image and the workflows."""
