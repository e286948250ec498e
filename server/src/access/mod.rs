//! Access: operators, roles, grants, protected people.
