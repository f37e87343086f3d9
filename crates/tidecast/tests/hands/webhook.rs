//! Decisions posted, commands run, and servers that ask us.
