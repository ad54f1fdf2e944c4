package cloud

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Settings reads a function's environment variables and remembers what is
// wrong with them, so that a function that starts has everything it needs and
// one that does not says all that is missing at once.
type Settings struct {
	getenv func(string) string
	errs   []error
}

// NewSettings returns the settings behind getenv.
func NewSettings(getenv func(string) string) *Settings {
	return &Settings{getenv: getenv}
}

// Required returns the variable name, which must not be empty.
func (s *Settings) Required(name string) string {
	value := s.getenv(name)
	if value == "" {
		s.errs = append(s.errs, fmt.Errorf("the environment variable %s is not set", name))
	}
	return value
}

// Int returns the variable name as an integer from low to high.
func (s *Settings) Int(name string, low, high int) int {
	n, err := strconv.Atoi(s.Required(name))
	if err != nil || n < low || n > high {
		s.errs = append(s.errs, fmt.Errorf("the environment variable %s must be an integer from %d to %d", name, low, high))
	}
	return n
}

// Days returns the variable name, a whole number of days, as a duration.
func (s *Settings) Days(name string) time.Duration {
	return time.Duration(s.Int(name, 1, 3650)) * 24 * time.Hour
}

// Err returns everything that was wrong, or nil.
func (s *Settings) Err() error { return errors.Join(s.errs...) }
