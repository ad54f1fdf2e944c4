package apperr

// Problems returns every problem.
func Problems() []Problem {
	var all []Problem
	for p := Required; p < problemEnd; p++ {
		all = append(all, p)
	}
	return all
}
