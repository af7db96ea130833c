"""A checkpoint as graphs that other runtimes read: what is traced, the files, and the manifest that ties them."""
