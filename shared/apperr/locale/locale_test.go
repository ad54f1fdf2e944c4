package locale_test

import (
	"testing"

	"webhooks/shared/apperr/locale"
)

func TestNegotiate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		header string
		want   locale.Locale
	}{
		{name: "absent", header: "", want: locale.Chinese},
		{name: "English", header: "en-US,en;q=0.9", want: locale.English},
		{name: "Chinese before English", header: "zh-CN,zh;q=0.9,en;q=0.8", want: locale.Chinese},
		{name: "English by weight", header: "zh;q=0.3, en;q=0.7", want: locale.English},
		{name: "unknown then English", header: "fr, en;q=0.5", want: locale.English},
		{name: "unknown only", header: "fr", want: locale.Chinese},
		{name: "anything", header: "*", want: locale.Chinese},
		{name: "malformed", header: ";;;q=", want: locale.Chinese},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := locale.Negotiate(tt.header); got != tt.want {
				t.Errorf("Negotiate(%q) = %v, want %v", tt.header, got, tt.want)
			}
		})
	}
}
