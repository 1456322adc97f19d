# Run as a script: DIRECTORY is there afterwards, and empty.
file(REMOVE_RECURSE "${DIRECTORY}")
file(MAKE_DIRECTORY "${DIRECTORY}")
