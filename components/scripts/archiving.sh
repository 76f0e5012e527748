# A part of postgres.sh: PostgreSQL copies each finished file of its log into the spool, after a minute at the latest, and
# the container `backup` sends it to the store. The library renames a complete file into place, which a crash of the pod
# or of the node does not undo.
mkdir -p "$SPOOL"
set -- "$@" -c archive_mode=on -c archive_timeout=60 -c archive_library=basic_archive \
    -c basic_archive.archive_directory="$SPOOL"

