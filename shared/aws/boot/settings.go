package boot

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Settings reads a function's environment variables and collects the errors, so
// that [Settings.Err] reports every missing or malformed variable in one error.
type Settings struct {
	getenv func(string) string
	errs   []error
}

// NewSettings returns the settings that getenv reads.
func NewSettings(getenv func(string) string) *Settings {
	return &Settings{getenv: getenv}
}

// Required returns the value of the variable name. An empty value is an error.
func (s *Settings) Required(name string) string {
	value := s.getenv(name)
	if value == "" {
		s.errs = append(s.errs, fmt.Errorf("the environment variable %s is not set", name))
	}
	return value
}

// Int returns the variable name as an integer. A value outside low to high is an
// error.
func (s *Settings) Int(name string, low, high int) int {
	n, err := strconv.Atoi(s.Required(name))
	if err != nil || n < low || n > high {
		s.errs = append(s.errs, fmt.Errorf("the environment variable %s must be an integer from %d to %d", name, low, high))
	}
	return n
}

// Days returns the variable name, a whole number of days from 1 to 3650, as a
// duration.
func (s *Settings) Days(name string) time.Duration {
	return time.Duration(s.Int(name, 1, 3650)) * 24 * time.Hour
}

// Err returns the collected errors as one, or nil.
func (s *Settings) Err() error { return errors.Join(s.errs...) }
