"""Problems on disk: Parquet shards with a manifest, training rows, questions and replies from files."""
