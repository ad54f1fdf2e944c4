// Package architecture holds the rules of the repository that no compiler checks,
// as tests: the top level, the names of routes, folders, template and pages, which
// package may import which, how code and comments are written, and the required
// properties of tables and queues. A failing test names the rule, the place and the
// reason.
package architecture
