package architecture_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"webhooks/shared/delivery"
)

// TestEveryEnvironmentStarts: what samconfig.toml sets is what the template takes,
// and its schedule fits into what events are kept for.
func TestEveryEnvironmentStarts(t *testing.T) {
	t.Parallel()
	parameters := section(t, "Parameters")
	environments := append([][]string{{"", ""}}, // the defaults alone
		regexp.MustCompile(`(?m)^parameter_overrides = "([^"]*)"$`).FindAllStringSubmatch(read(t, "samconfig.toml"), -1)...)
	if len(environments) < 5 {
		t.Fatalf("samconfig.toml has %d lines of parameter_overrides, want one for each environment at least", len(environments)-1)
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
		t.Errorf("the least EventRetentionDays with the default RetrySchedule: %v", err)
	}
}

// fits returns why a schedule is none, or does not fit into kept.
func fits(schedule string, kept time.Duration) error {
	s, err := delivery.ParseSchedule(schedule)
	if err != nil {
		return err
	}
	return s.Fits(kept)
}

// allows returns why CloudFormation would refuse value for parameter, or nil.
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

// TestTheParameterTableHasTheDefaults: a table that says otherwise than the template is
// worse than none.
func TestTheParameterTableHasTheDefaults(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(read(t, operating), "| parameter | default | meaning |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	got, want := make(map[string]string), make(map[string]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		if len(cells) < 3 {
			t.Fatalf("the table of parameters has the row %q", line)
		}
		names, defaults := strings.Split(strings.TrimPrefix(cells[0], "| "), ", "), strings.Split(cells[1], ", ")
		if len(defaults) == 1 { // the same for all
			defaults = slices.Repeat(defaults, len(names))
		}
		if len(defaults) != len(names) {
			t.Errorf("%v have the defaults %v", names, defaults)
			continue
		}
		for i, name := range names {
			got[strings.Trim(name, "`")] = defaults[i]
		}
	}
	for name, parameter := range section(t, "Parameters") {
		value := text(parameter, "Default")
		shown := []string{"`" + value + "`"}
		switch {
		case value == "":
			shown = []string{"none", "the stack makes a key"}
		case text(parameter, "Type") == "Number":
			shown = []string{value}
		}
		want[name] = value
		if begin, end, cut := strings.Cut(strings.Trim(got[name], "`"), "…"); cut && strings.HasPrefix(value, begin) && strings.HasSuffix(value, end) {
			continue
		}
		if !slices.Contains(shown, got[name]) {
			t.Errorf("%s says that %s is %q by default, and template.yaml %q", operating, name, got[name], value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, is := want[name]; !is {
			t.Errorf("%s has a row for %s, which is no parameter", operating, name)
		}
	}
}
