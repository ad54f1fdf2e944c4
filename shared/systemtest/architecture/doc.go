// Package architecture holds the rules of the repository that no compiler
// checks, as tests: what the top level is, that routes, folders, template and
// pages name the same things, who may import what, how the code reads, and
// what every table and queue of the template must have. A test that fails says
// which rule is broken, where, and why the rule exists.
package architecture
