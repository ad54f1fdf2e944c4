package architecture_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"webhooks/shared/delivery"
)

// TestEveryEnvironmentStarts checks that the template accepts the parameters of each
// environment in samconfig.toml, and that events outlive the retry schedule.
func TestEveryEnvironmentStarts(t *testing.T) {
	t.Parallel()
	parameters := section(t, "Parameters")
	environments := append([][]string{{"", ""}}, // the defaults alone
		regexp.MustCompile(`(?m)^parameter_overrides = "([^"]*)"$`).FindAllStringSubmatch(read(t, "samconfig.toml"), -1)...)
	if len(environments) < 5 {
		t.Fatalf("samconfig.toml has %d lines of parameter_overrides, want at least one for each environment", len(environments)-1)
	}
	for _, overrides := range environments {
		values := make(map[string]string)
		for name, parameter := range parameters {
			values[name] = text(parameter, "Default")
		}
		for pair := range strings.FieldsSeq(overrides[1]) {
			name, value, _ := strings.Cut(pair, "=")
			if _, is := values[name]; !is {
				t.Errorf("samconfig.toml sets %s, which template.yaml does not have", name)
				continue
			}
			values[name] = value
		}
		for name, value := range values {
			if err := allows(parameters[name], value); err != nil {
				t.Errorf("%s=%s (%s): %v", name, value, overrides[1], err)
			}
		}
		days, err := strconv.Atoi(values["EventRetentionDays"])
		if err != nil {
			t.Error(err)
		}
		if err := fits(values["RetrySchedule"], time.Duration(days)*24*time.Hour); err != nil {
			t.Errorf("%q: %v", overrides[1], err)
		}
	}
	least := time.Duration(number(t, 0, parameters["EventRetentionDays"], "MinValue")) * 24 * time.Hour
	if err := fits(text(parameters["RetrySchedule"], "Default"), least); err != nil {
		t.Errorf("the minimum of EventRetentionDays with the default RetrySchedule: %v", err)
	}
}

// fits returns an error if a schedule is invalid or longer than events are kept.
func fits(schedule string, kept time.Duration) error {
	s, err := delivery.ParseSchedule(schedule)
	if err != nil {
		return err
	}
	return s.Fits(kept)
}

// allows returns an error if CloudFormation would refuse the value.
func allows(parameter any, value string) error {
	if list, is := at(parameter, "AllowedValues").([]any); is && !slices.Contains(list, any(value)) {
		return fmt.Errorf("want one of %v", list)
	}
	if pattern := text(parameter, "AllowedPattern"); pattern != "" && !regexp.MustCompile("^(?:"+pattern+")$").MatchString(value) {
		return fmt.Errorf("does not match %s", pattern)
	}
	if text(parameter, "Type") != "Number" {
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return err
	}
	for name, outside := range map[string]func(limit int) bool{"MinValue": func(l int) bool { return n < l }, "MaxValue": func(l int) bool { return n > l }} {
		if limit, err := strconv.Atoi(text(parameter, name)); err == nil && outside(limit) {
			return fmt.Errorf("%s is %d", name, limit)
		}
	}
	return nil
}
