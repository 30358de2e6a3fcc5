"""Makes the release: one tarball with everything that an instance needs, the same bytes for the same commit."""
