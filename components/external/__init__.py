"""The resources of a team whose tracking server is not part of the platform."""
