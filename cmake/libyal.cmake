# The libyal format libraries, each isolated from the others (see docs/libyal.md).
