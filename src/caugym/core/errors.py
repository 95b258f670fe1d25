"""The one exception that a user can cause and mend."""


class InputError(ValueError):
    """Something given from outside cannot be used; the message is one line that says what to do.

    The command line prints the message and exits with 2; anything else is a defect of ours.
    """
