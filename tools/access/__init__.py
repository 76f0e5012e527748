"""Access in every team: computed from the settings, compared, and described in words."""
