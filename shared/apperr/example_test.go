package apperr_test

import (
	"errors"
	"fmt"

	"webhooks/shared/apperr"
	"webhooks/shared/apperr/locale"
)

// An error has a code and a sentence in each language for the caller. Its cause
// appears in the log only.
func Example() {
	cause := errors.New("DynamoDB is throttled")
	err := apperr.Wrap(cause, apperr.TemporarilyUnavailable)

	fmt.Println("caller:", int(err.Reason), err.Message(locale.Chinese))
	fmt.Println("caller:", int(err.Reason), err.Message(locale.English))
	fmt.Println("log:", err)
	// Output:
	// caller: 50301 服务暂时不可用，请稍后重试
	// caller: 50301 Temporarily unavailable; try again later
	// log: 50301 Temporarily unavailable; try again later: DynamoDB is throttled
}

// A decoder collects every invalid field and refuses the request once.
func ExampleRefuse() {
	err := apperr.Refuse([]apperr.Field{
		{Name: "name", Problem: apperr.Length, Args: []any{1, 128}},
		{Name: "url", Problem: apperr.URLScheme},
	})
	fmt.Println(apperr.Is(err, apperr.InvalidFields))
	for _, field := range apperr.From(err).Fields {
		fmt.Println(field.Name, field.Message(locale.English))
	}
	// Output:
	// true
	// name must have 1 to 128 characters
	// url must use https
}

// An error without a reason is internal. The caller does not see its text.
func ExampleFrom() {
	err := apperr.From(errors.New("dial tcp 10.0.0.1:443: connection refused"))
	fmt.Println(int(err.Reason), err.Code(), err.Message(locale.English))
	// Output: 50001 internal Internal error; try again later
}
