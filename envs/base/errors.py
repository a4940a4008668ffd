"""The one kind of error that is the user's to mend."""


class SegueError(Exception):
    """Wrong input, said in one sentence.

    The message names the file or value, says what is wrong with it and what to do instead. The
    command line prints it without a traceback and ends with exit code 2.
    """
