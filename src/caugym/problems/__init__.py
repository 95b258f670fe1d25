"""Problems: their record, the words they are told in, and reading them back."""
