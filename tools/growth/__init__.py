"""`make grow`: enlarge the volumes of a deployed stack to the sizes in its stack file (docs/volumes.md)."""
