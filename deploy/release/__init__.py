"""Makes the release: one tarball with all that an instance needs, the same bytes for the same commit."""
