"""Who may do what in which team: computed from the settings alone, compared, and told in words."""
