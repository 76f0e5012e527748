"""Access of groups and programs to every team: computed from the settings, compared, and described in sentences."""
