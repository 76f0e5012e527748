"""The access of groups and programs to each team: computed from the settings, compared, and put into sentences."""
