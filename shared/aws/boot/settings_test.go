package boot_test

import (
	"strings"
	"testing"
	"time"

	"webhooks/shared/aws/boot"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value string
		valid bool
	}{
		{"1", true}, {"30", true}, {"3650", true},
		{"", false}, {"0", false}, {"3651", false}, {"-3", false}, {"1.5", false}, {"x", false}, {" 1", false},
	} {
		s := boot.NewSettings(func(string) string { return tt.value })
		days := s.Days("KEPT_DAYS")
		if err := s.Err(); (err == nil) != tt.valid || err != nil && !strings.Contains(err.Error(), "KEPT_DAYS") {
			t.Errorf("%q: %v, %v", tt.value, days, err)
		}
	}
	s := boot.NewSettings(func(string) string { return "7" })
	if text, n, days := s.Required("A"), s.Int("B", 7, 7), s.Days("C"); text != "7" || n != 7 || days != 7*24*time.Hour || s.Err() != nil {
		t.Errorf("read %q, %d and %v: %v", text, n, days, s.Err())
	}
}

func TestSettingsNameEveryMistake(t *testing.T) {
	t.Parallel()
	s := boot.NewSettings(func(string) string { return "" })
	s.Required("FIRST")
	s.Int("SECOND", 1, 9)
	s.Days("THIRD")
	s.AWS()
	for _, name := range []string{"FIRST", "SECOND", "THIRD", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}
