"""What is left behind for people: files of a trace, pages that can be read without this program."""
